import { WordsByHand } from '../../mirror/policy/by-hand.ts';
import { ComposedPolicy } from '../../mirror/policy/composed.ts';
import { exceptionOf, rulesOf } from '../../policy/compile.ts';
import { knownBad } from '../../policy/known-bad.ts';
import type { Policy } from '../../ports/policy.ts';
import type { IndexParts } from '../compose-index.ts';

/** What may be served of an index. Throws Refusal `state`. */
export async function composePolicy({
  index: { name, policy },
  config,
  state,
  clock,
  advisories,
}: Pick<IndexParts, 'index' | 'config' | 'state' | 'clock' | 'advisories'>): Promise<Policy> {
  const told = config.advisories?.notOf.includes(name) === true ? undefined : config.advisories;
  return new ComposedPolicy({
    rules: [...(policy === undefined ? [] : rulesOf(policy)), ...(told === undefined ? [] : knownBad(told))],
    exceptions: policy?.exceptions.map(exceptionOf),
    sources: [await WordsByHand.open(state), ...(told === undefined || advisories === undefined ? [] : [advisories])],
    clock,
  });
}
