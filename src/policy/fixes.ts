import { compareVersions, type Version } from '../pypi/requirement/version.ts';
import { versionKey } from '../pypi/versions.ts';
import type { KnownBad } from './facts.ts';
import { type ReleaseFiles, releasesIn } from './read-once.ts';
import type { SeenPage, Word } from './rule.ts';

// A new release that mends what an older one suffers from is waited for by whoever is exposed: it need not come of age.

/**
 * The words on files that are too young, those of a fixing release as a report. A release of which a file is old enough was there already: what joins it
 * later has to wait, whatever the release once mended.
 */
export function lettingFixesPass(held: ReadonlyMap<string, Word>, seen: SeenPage): ReadonlyMap<string, Word> {
  const advisories = seen.facts.knownBad ?? [];
  if (held.size === 0 || advisories.length === 0) return held;
  const words = new Map(held);
  for (const release of releasesIn(seen.page)) {
    if (!release.files.every((filename) => held.has(filename))) continue;
    const mended = mendedBy(release, seen, advisories);
    if (mended === undefined) continue;
    for (const filename of release.files) {
      const word = held.get(filename);
      if (word !== undefined) words.set(filename, passing(word, mended));
    }
  }
  return words;
}

interface Mended {
  readonly advisory: KnownBad;
  /** An older version of the page that the advisory speaks of. */
  readonly version: string;
}

/** Undefined also for a release that an advisory speaks of itself. */
function mendedBy(
  { version, parsed }: ReleaseFiles,
  { page }: SeenPage,
  advisories: readonly KnownBad[],
): Mended | undefined {
  if (parsed === undefined || advisories.some(({ affects }) => affects(version))) return undefined;
  const key = versionKey(version);
  for (const advisory of advisories) {
    if (!advisory.fixedIn.has(key)) continue;
    const affected = releasesIn(page).find(
      (other) => isBefore(other.parsed, parsed) && advisory.affects(other.version),
    );
    if (affected !== undefined) return { advisory, version: affected.version };
  }
  return undefined;
}

function isBefore(one: Version | undefined, other: Version): boolean {
  return one !== undefined && compareVersions(one, other) < 0;
}

function passing(word: Word, { advisory: { id, summary }, version }: Mended): Word {
  const what = summary === '' ? id : `${id} (${summary})`;
  return {
    action: 'report',
    until: word.until,
    sentence: (filename) =>
      `${filename} is served though it is young: ${what} speaks of ${version}, and names this version as the one that mends it.`,
  };
}
