import type { ContentsOfProject, KeptContents } from '../../ports/contents/kept.ts';
import type { JudgedFile } from '../../pypi/listing.ts';
import { isDistribution } from '../../pypi/names.ts';
import type { Facts } from '../facts.ts';
import type { Action, Rule, Word } from '../rule.ts';

export interface ContentsSettings {
  readonly name: string;
  readonly action: Action;
  /** Of what is not known, or not yet. */
  readonly unjudged: Action;
}

/** A phrase behind the file's name, where something is said of it. */
export interface Finding {
  readonly is: 'held' | 'unjudged';
  readonly why: string;
}

/** What is found in one file; undefined where there is nothing to say of it. */
export type Find = (
  filename: string,
  kept: KeptContents | undefined,
  contents: ContentsOfProject,
) => Finding | undefined;

const NOTHING: ContentsOfProject = new Map();

/** One condition on contents. `version`: all that `find` depends on besides. */
export function contentsRules(
  { name, action, unjudged }: ContentsSettings,
  version: string,
  find: Find,
): readonly [Rule, Rule] {
  const ruleOf = (is: Finding['is'], called: string, does: Action): Rule => {
    const wordOf = (file: JudgedFile, { contents = NOTHING }: Facts): Word | undefined => {
      const { filename } = file.entry;
      if (!isDistribution(filename)) return undefined;
      const found = find(filename, keptOf(file, contents), contents);
      return found?.is === is ? { action: does, sentence: (named) => `${named} ${found.why}.` } : undefined;
    };
    return {
      name: called,
      version: JSON.stringify([does, version]),
      page({ page, facts }) {
        const files = new Map<string, Word>();
        for (const [filename, file] of page.files) {
          const word = wordOf(file, facts);
          if (word !== undefined) files.set(filename, word);
        }
        return { files };
      },
      /** What was found in it stays so when its page lists it no more; what was not found out is not looked for then. */
      unlisted(_, filename, facts) {
        const kept = facts.contents?.get(filename);
        if (is === 'unjudged' || kept === undefined) return undefined;
        return wordOf({ entry: { filename, digests: new Map([['sha256', kept.file]]) }, path: filename }, facts);
      },
      /** Once more: it was looked into while it was fetched. */
      file: ({ file, facts }) => wordOf(file, facts),
    };
  };
  return [ruleOf('held', name, action), ruleOf('unjudged', unjudgedName(name), unjudged)];
}

/** What a condition is called where it cannot say anything yet. */
export function unjudgedName(name: string): string {
  return `${name}: not judged`;
}

/** Undefined also for other bytes under this name. */
export function keptOf({ entry }: JudgedFile, contents: ContentsOfProject): KeptContents | undefined {
  const kept = contents.get(entry.filename);
  const sha256 = entry.digests.get('sha256');
  return sha256 === undefined || kept?.file === sha256 ? kept : undefined;
}
