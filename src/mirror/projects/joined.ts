import type { Pin } from '../../ports/index-state.ts';
import { textOf } from '../../pypi/losses.ts';
import { versionOf } from '../../pypi/names.ts';
import type { Reports } from './reports.ts';

// A file that joins a release which was confirmed before: lawful (a wheel for a new Python), and how a release that everybody
// trusts gets a file that nobody looked at. It is served, and leaves a trace.

/** Files of one look that the journal names one by one. */
const MOST_NAMED = 100;

/** The versions of a project that have a confirmed file. */
export function confirmedReleases(project: string, pins: ReadonlyMap<string, Pin>): ReadonlySet<string | undefined> {
  const versions = new Set<string | undefined>();
  for (const [file, { provisional }] of pins) if (provisional !== true) versions.add(versionOf(file, project));
  versions.delete(undefined);
  return versions;
}

/** One line of the journal a file, and one of the log a look. */
export function reportJoined(
  reports: Reports,
  project: string,
  known: ReadonlyMap<string, Pin>,
  news: ReadonlyMap<string, Pin>,
): void {
  const joined = [...news].filter(([file, pin]) => pin.joined === true && !known.has(file));
  const [first] = joined;
  if (first === undefined) return;
  for (const [file, { digests, fetch }] of joined.slice(0, MOST_NAMED))
    reports.changed(project, {
      kind: 'joined',
      file,
      digest: textOf(digests),
      after: versionOf(file, project),
      reason: fetch === undefined ? 'the index signed it' : `first seen by fetch ${fetch}`,
    });
  if (joined.length > MOST_NAMED)
    reports.changed(project, { kind: 'joined', reason: 'more files', after: `${joined.length} files in all` });
  const detail = { project, file: first[0], files: joined.length };
  reports.noted('a file joined a release that was confirmed here before', detail);
}
