import { WordsByHand } from '../../mirror/policy/by-hand.ts';
import { ComposedPolicy } from '../../mirror/policy/composed.ts';
import { knownBad } from '../../policy/known-bad.ts';
import type { Rule } from '../../policy/rule.ts';
import type { Policy } from '../../ports/policy.ts';
import type { IndexParts } from '../compose-index.ts';

/** What may be served of an index. Throws Refusal `state`. */
export async function composePolicy({
  state,
  clock,
  config,
  index,
  advisories,
}: Pick<IndexParts, 'state' | 'clock' | 'config' | 'index' | 'advisories'>): Promise<Policy> {
  const feed = config.advisories?.notOf.includes(index.name) === true ? undefined : advisories;
  const rules: Rule[] = feed === undefined || config.advisories === undefined ? [] : [...knownBad(config.advisories)];
  const sources = [await WordsByHand.open(state), ...(feed === undefined ? [] : [feed])];
  return new ComposedPolicy({ rules, sources, clock });
}
