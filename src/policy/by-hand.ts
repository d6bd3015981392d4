import type { QuarantineEntry } from '../ports/policy.ts';
import { releaseVersionOf } from '../pypi/names.ts';
import { versionKey } from '../pypi/versions.ts';
import type { Rule, Word } from './rule.ts';

/** What is in quarantine of one project by an operator's word. */
export interface ByHand {
  readonly whole: QuarantineEntry | undefined;
  /** By the key that every spelling of a version has. */
  readonly versions: ReadonlyMap<string, QuarantineEntry>;
}

/** What an operator has put in quarantine here, project or version, whatever the index says. */
export const quarantinedHere: Rule = {
  name: 'quarantined here',
  version: '1',
  first: true,
  page({ page, facts: { byHand } }) {
    if (byHand?.whole !== undefined) return { others: held(byHand.whole) };
    const files = new Map<string, Word>();
    if (byHand !== undefined && byHand.versions.size > 0)
      for (const filename of page.files.keys()) {
        const word = wordOf(byHand, page.name, filename);
        if (word !== undefined) files.set(filename, word);
      }
    return { files };
  },
  unlisted: (project, filename, { byHand }) => wordOf(byHand, project, filename),
  /** Once more: it may have been put in quarantine while it was fetched. */
  file: ({ project, file, facts }) => wordOf(facts.byHand, project, file.entry.filename),
};

function wordOf(byHand: ByHand | undefined, project: string, filename: string): Word | undefined {
  if (byHand === undefined) return undefined;
  const version = releaseVersionOf(filename, project);
  const entry = byHand.whole ?? (version === undefined ? undefined : byHand.versions.get(versionKey(version)));
  return entry && held(entry);
}

function held({ version, reason }: QuarantineEntry): Word {
  const what = version === undefined ? 'all of its project' : `version ${version}`;
  return {
    action: 'hide',
    sentence: (filename) => `${filename} is not served: an operator has put ${what} in quarantine here (${reason}).`,
  };
}
