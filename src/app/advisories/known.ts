import type { Config, IndexConfig } from '../../config/config.ts';
import type { Action } from '../../policy/rule.ts';
import { versionKey } from '../../pypi/versions.ts';
import { advisoriesOf } from '../policy/rules.ts';
import type { FeedKeeper } from './keeper.ts';

/** One advisory about a project, as far as it is known here. */
export interface AdvisorySays {
  readonly id: string;
  /** Empty where it has none. */
  readonly summary: string;
  readonly malware: boolean;
  /** Of the versions that are asked about, those that it speaks of; the first of very many. */
  readonly versions: readonly string[];
  readonly versionCount: number;
  /** Versions that are stated to mend it. */
  readonly fixedIn: readonly string[];
  /** What becomes of files that it speaks of. */
  readonly action: Action;
}

const MOST_NAMED = 10;

interface Asked {
  readonly config: Pick<Config, 'advisories'>;
  readonly feed: Pick<FeedKeeper, 'inForce'> | undefined;
  readonly index: IndexConfig | undefined;
  readonly project: string;
  readonly versions: readonly string[];
}

/**
 * What the feed tells of a project, malware first, then what speaks of these versions. Undefined where no feed is in force for the index: that nothing is
 * known of it is no clean bill.
 */
export function advisoriesOn({ config, feed, index, project, versions }: Asked): readonly AdvisorySays[] | undefined {
  const rules = index && advisoriesOf(config, index);
  const inForce = feed?.inForce?.advisories;
  if (rules === undefined || inForce === undefined) return undefined;
  const spelled = new Map(versions.map((version) => [versionKey(version), version]));
  const all = inForce.of(project).map(({ id, summary, malware, affects, fixedIn }): AdvisorySays => {
    const spokenOf = versions.filter((version) => affects(version));
    return {
      id,
      summary,
      malware,
      versions: spokenOf.slice(0, MOST_NAMED),
      versionCount: spokenOf.length,
      fixedIn: [...fixedIn].slice(0, MOST_NAMED).map((key) => spelled.get(key) ?? key.replace(/^0?!/, '')),
      action: malware ? rules.malware : rules.vulnerable,
    };
  });
  return all.toSorted(
    (one, other) =>
      Number(other.malware) - Number(one.malware) || Number(other.versionCount > 0) - Number(one.versionCount > 0),
  );
}

const BECOMES: Readonly<Record<Action, string>> = {
  deny: 'refused',
  hide: 'left out of pages and refused',
  report: 'served, and that is told',
};

/** `GHSA-1 (it steals) speaks of 1.0; mended in 1.1; such files are refused (advisories.malware)`. */
export function advisorySays({ id, summary, malware, versions, versionCount, fixedIn, action }: AdvisorySays): string {
  const what = summary === '' ? id : `${id} (${summary})`;
  const more = versionCount > versions.length ? ` and ${versionCount - versions.length} more` : '';
  const of = versions.length === 0 ? 'no version that is listed here' : `${versions.join(', ')}${more}`;
  const mended = fixedIn.length === 0 ? '' : `; mended in ${fixedIn.join(', ')}`;
  const setting = malware ? 'advisories.malware' : 'advisories.vulnerable';
  return `${what} speaks of ${of}${mended}; such files are ${BECOMES[action]} (the setting: ${setting})`;
}
