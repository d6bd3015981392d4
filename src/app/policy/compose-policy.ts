import { WordsByHand } from '../../mirror/policy/by-hand.ts';
import { ComposedPolicy } from '../../mirror/policy/composed.ts';
import { exceptionOf, rulesOf } from '../../policy/compile.ts';
import type { Policy } from '../../ports/policy.ts';
import type { IndexParts } from '../compose-index.ts';

/** What may be served of an index. Throws Refusal `state`. */
export async function composePolicy({
  index: { policy },
  state,
  clock,
}: Pick<IndexParts, 'index' | 'state' | 'clock'>): Promise<Policy> {
  return new ComposedPolicy({
    rules: policy === undefined ? [] : rulesOf(policy),
    exceptions: policy?.exceptions.map(exceptionOf),
    sources: [await WordsByHand.open(state)],
    clock,
  });
}
