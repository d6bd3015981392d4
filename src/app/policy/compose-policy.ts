import { ContentsKeeper, type Wanted } from '../../mirror/contents/keeper.ts';
import { OperatorAnswers } from '../../mirror/policy/answers.ts';
import { WordsByHand } from '../../mirror/policy/by-hand.ts';
import { ComposedPolicy } from '../../mirror/policy/composed.ts';
import type { ProvenanceKeeper } from '../../mirror/provenance/keeper.ts';
import { exceptionOf } from '../../policy/compile.ts';
import type { PolicySettings } from '../../policy/settings.ts';
import type { Policy } from '../../ports/policy.ts';
import { createPins } from '../../state/pins.ts';
import type { IndexParts } from '../compose-index.ts';
import { advisoriesOf, rulesFor } from './rules.ts';

type Parts = Pick<
  IndexParts,
  'index' | 'config' | 'state' | 'clock' | 'advisories' | 'policyFiles' | 'emit' | 'fileWork' | 'provenance'
>;

/** What may be served of an index. Throws Refusal `state`. */
export async function composePolicy(parts: Parts, provenance?: ProvenanceKeeper): Promise<Policy> {
  const { index, config, state, clock, advisories, policyFiles } = parts;
  let wanted = wantedBy(index.policy);
  const contents = contentsOf(parts, () => wanted);
  const told = advisoriesOf(config, index);
  const rules = (settings: PolicySettings | undefined) => {
    wanted = wantedBy(settings);
    return rulesFor(config, { ...index, policy: settings }, provenance !== undefined);
  };
  const policy = new ComposedPolicy({
    rules: rules(index.policy),
    exceptions: index.policy?.exceptions.map(exceptionOf),
    sources: [
      await WordsByHand.open(state),
      await OperatorAnswers.open(state),
      ...(told === undefined || advisories === undefined ? [] : [advisories]),
      ...(provenance === undefined ? [] : [provenance]),
      contents,
    ],
    clock,
  });
  policyFiles.follow(index.name, { policy, rules });
  return policy;
}

/** What the conditions of a policy, as it is now, are about. */
function wantedBy(policy: PolicySettings | undefined): Wanted {
  const conditions = (policy?.conditions ?? []).flatMap((each) => ('unjudged' in each ? [each] : []));
  const isOf = (when: (typeof conditions)[number]['when']) => conditions.some((each) => each.when === when);
  return {
    needs: { licence: isOf('licence'), differs: isOf('metadata-differs'), startup: isOf('new-pth') },
    holds: conditions.some(({ action, unjudged }) => action !== 'report' || unjudged !== 'report'),
    holdsUnjudged: conditions.some(({ unjudged }) => unjudged !== 'report'),
  };
}

/** Who looks into files, where a condition is about what lies in them. */
function contentsOf(
  { index, state, clock, emit, fileWork, provenance: serving }: Parts,
  wanted: () => Wanted,
): ContentsKeeper {
  // A command finds nothing out behind its back.
  const work = serving === undefined ? undefined : fileWork;
  return new ContentsKeeper({ index: index.name, state, pins: createPins(state), clock, emit, wanted, work });
}
