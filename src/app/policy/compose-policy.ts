import { WordsByHand } from '../../mirror/policy/by-hand.ts';
import { ComposedPolicy } from '../../mirror/policy/composed.ts';
import type { Rule } from '../../policy/rule.ts';
import type { Policy } from '../../ports/policy.ts';
import type { IndexParts } from '../compose-index.ts';

/** What may be served of an index. Throws Refusal `state`. */
export async function composePolicy({ state, clock }: Pick<IndexParts, 'state' | 'clock'>): Promise<Policy> {
  const rules: Rule[] = [];
  return new ComposedPolicy({ rules, sources: [await WordsByHand.open(state)], clock });
}
