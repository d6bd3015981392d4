import { OperatorAnswers } from '../../mirror/policy/answers.ts';
import { WordsByHand } from '../../mirror/policy/by-hand.ts';
import { ComposedPolicy } from '../../mirror/policy/composed.ts';
import type { ProvenanceKeeper } from '../../mirror/provenance/keeper.ts';
import { exceptionOf } from '../../policy/compile.ts';
import type { PolicySettings } from '../../policy/settings.ts';
import type { Policy } from '../../ports/policy.ts';
import type { IndexParts } from '../compose-index.ts';
import { advisoriesOf, rulesFor } from './rules.ts';

type PolicyParts = Pick<IndexParts, 'index' | 'config' | 'state' | 'clock' | 'advisories' | 'policyFiles'>;

/** What may be served of an index. Throws Refusal `state`. */
export async function composePolicy(
  { index, config, state, clock, advisories, policyFiles }: PolicyParts,
  provenance?: ProvenanceKeeper,
): Promise<Policy> {
  const told = advisoriesOf(config, index);
  const rules = (settings: PolicySettings | undefined) =>
    rulesFor(config, { ...index, policy: settings }, provenance !== undefined);
  const policy = new ComposedPolicy({
    rules: rules(index.policy),
    exceptions: index.policy?.exceptions.map(exceptionOf),
    sources: [
      await WordsByHand.open(state),
      await OperatorAnswers.open(state),
      ...(told === undefined || advisories === undefined ? [] : [advisories]),
      ...(provenance === undefined ? [] : [provenance]),
    ],
    clock,
  });
  policyFiles.follow(index.name, { policy, rules });
  return policy;
}
