import type { Config } from '../../config/config.ts';
import type { Explanation } from '../../mirror/package-index.ts';
import type { RuleSum } from '../../mirror/policy/told-rules.ts';
import type { Listing } from '../../pypi/listing.ts';
import type { AdvisoryView, ProvenanceView, PublishedView, RuleView } from '../../web/told.ts';
import { type AdvisorySays, advisoriesOn, advisorySays } from '../advisories/known.ts';
import type { Composition } from '../compose.ts';
import { settingOf } from '../policy/setting-of-rule.ts';
import { type KnownProvenance, knownProvenance } from '../provenance/known.ts';
import { fileSays, rememberedSays, wordSays } from '../provenance/words.ts';

/** Releases of one page. */
const MOST_RELEASES = 10;

export type ToldParts = Pick<Composition, 'states' | 'advisories'> & {
  readonly config: Pick<Config, 'indexes' | 'advisories'>;
};

/** What is known of a project beside its chain. */
export interface Told {
  /** Undefined of an index that has no place for it. */
  readonly provenance: KnownProvenance | undefined;
  /** Undefined where no feed is in force for the index. */
  readonly advisories: readonly AdvisorySays[] | undefined;
}

interface Asked {
  readonly listing: Pick<Listing, 'name' | 'files'>;
  /** Of which advisories are told. */
  readonly versions: readonly string[];
}

/** Nobody is asked: what is remembered is told. Throws Refusal `state`. */
export async function toldOf(
  { config, states, advisories: feed }: ToldParts,
  index: string,
  { listing, versions }: Asked,
): Promise<Told> {
  const state = states.get(index);
  return {
    provenance: state && (await knownProvenance({ config, state, index, listing })),
    advisories: advisoriesOn({ config, feed, index: config.indexes[index], project: listing.name, versions }),
  };
}

export function ruleViews({ rules }: Pick<Explanation, 'rules'>): readonly RuleView[] {
  return rules.map(ruleView);
}

export function ruleView({ rule, action, files, why, until }: RuleSum): RuleView {
  return { rule, action, files, why, until, setting: settingOf(rule) };
}

export function advisoryView(advisory: AdvisorySays): AdvisoryView {
  const { id, summary, malware, versions, fixedIn, action } = advisory;
  return { id, summary, malware, versions, fixedIn, action, says: advisorySays(advisory) };
}

/** False where no file announces provenance and nobody expects any. */
export function isTelling({ files, expected }: KnownProvenance): boolean {
  return expected.length > 0 || [...files.values()].some(({ result }) => result !== 'none');
}

/** `filename`: of its release alone. */
export function provenanceView(known: KnownProvenance, filename?: string): ProvenanceView {
  const { mode, expected, releases } = known;
  const told =
    filename === undefined
      ? releases
      : releases.filter(({ files }) => files.some((each) => each.filename === filename));
  return {
    mode,
    expected,
    remembered: rememberedSays(known),
    releases: told
      .slice(0, MOST_RELEASES)
      .map(({ version, words }) => ({ version, words: words.map((word) => ({ word, says: wordSays(word) })) })),
  };
}

export function publishedView({ files, mode }: KnownProvenance, filename: string): PublishedView | undefined {
  const file = files.get(filename);
  return file && { result: file.result, publishers: file.publishers, says: fileSays(file, mode) };
}
