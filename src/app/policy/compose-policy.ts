import { OperatorAnswers } from '../../mirror/policy/answers.ts';
import { WordsByHand } from '../../mirror/policy/by-hand.ts';
import { ComposedPolicy } from '../../mirror/policy/composed.ts';
import type { ProvenanceKeeper } from '../../mirror/provenance/keeper.ts';
import { exceptionOf, rulesOf } from '../../policy/compile.ts';
import { knownBad } from '../../policy/known-bad.ts';
import { changedPublisher, lostProvenance, provenanceRule } from '../../policy/provenance.ts';
import type { Policy } from '../../ports/policy.ts';
import type { IndexParts } from '../compose-index.ts';

/** What may be served of an index. Throws Refusal `state`. */
export async function composePolicy(
  {
    index: { name, policy },
    config,
    state,
    clock,
    advisories,
  }: Pick<IndexParts, 'index' | 'config' | 'state' | 'clock' | 'advisories'>,
  provenance?: ProvenanceKeeper,
): Promise<Policy> {
  const told = config.advisories?.notOf.includes(name) === true ? undefined : config.advisories;
  return new ComposedPolicy({
    rules: [
      ...(policy === undefined ? [] : rulesOf(policy)),
      ...(told === undefined ? [] : knownBad(told)),
      ...(provenance === undefined ? [] : [provenanceRule, changedPublisher, lostProvenance]),
    ],
    exceptions: policy?.exceptions.map(exceptionOf),
    sources: [
      await WordsByHand.open(state),
      await OperatorAnswers.open(state),
      ...(told === undefined || advisories === undefined ? [] : [advisories]),
      ...(provenance === undefined ? [] : [provenance]),
    ],
    clock,
  });
}
