import { releaseVersionOf } from '../pypi/names.ts';
import type { Facts, KnownBad } from './facts.ts';
import type { Action, Rule, Word } from './rule.ts';

/** What becomes of files that an advisory speaks of. */
export interface KnownBadRules {
  /** Those of which the package itself is the harm (`MAL-…`). */
  readonly malware: Action;
  /** Those that have a fault. */
  readonly vulnerable: Action;
}

/** Ids that one sentence names. */
const MOST_IDS = 5;

/** What the feed of advisories calls malware, and what it calls vulnerable. */
export function knownBad({ malware, vulnerable }: KnownBadRules): readonly Rule[] {
  return [
    ruleOf('known malware', malware, true, (ids) => `${ids} says that it is malware`),
    ruleOf('known vulnerable', vulnerable, false, (ids) => `${ids} says that it is vulnerable`),
  ];
}

function ruleOf(name: string, action: Action, malware: boolean, why: (ids: string) => string): Rule {
  const wordOf = (facts: Facts, project: string, filename: string): Word | undefined => {
    const about = (facts.knownBad ?? []).filter((each) => each.malware === malware);
    const found = about.length === 0 ? [] : speakingOf(about, project, filename);
    if (found.length === 0) return undefined;
    const is = action === 'report' ? 'is served though' : 'is not served:';
    return { action, sentence: (file) => `${file} ${is} ${why(idsOf(found))}.` };
  };
  return {
    name,
    version: `1 ${action}`,
    page({ page, facts }) {
      const files = new Map<string, Word>();
      if (facts.knownBad?.some((each) => each.malware === malware) !== true) return { files };
      for (const filename of page.files.keys()) {
        const word = wordOf(facts, page.name, filename);
        if (word !== undefined) files.set(filename, word);
      }
      return { files };
    },
    unlisted: (project, filename, facts) => wordOf(facts, project, filename),
    /** Once more: the feed may have come to speak of it while it was fetched. */
    file: ({ project, file, facts }) => wordOf(facts, project, file.entry.filename),
  };
}

/** Of a file whose name has no version, whatever speaks of the project at all. */
function speakingOf(about: readonly KnownBad[], project: string, filename: string): readonly KnownBad[] {
  const version = releaseVersionOf(filename, project);
  return version === undefined ? about : about.filter(({ affects }) => affects(version));
}

function idsOf(found: readonly KnownBad[]): string {
  const ids = found.slice(0, MOST_IDS).map(({ id, summary }) => (summary === '' ? id : `${id} (${summary})`));
  const more = found.length - ids.length;
  return more > 0 ? `${ids.join(', ')} and ${more} more` : ids.join(', ');
}
