import { ContentsKeeper } from '../../mirror/contents/keeper.ts';
import { OperatorAnswers } from '../../mirror/policy/answers.ts';
import { WordsByHand } from '../../mirror/policy/by-hand.ts';
import { ComposedPolicy } from '../../mirror/policy/composed.ts';
import type { ProvenanceKeeper } from '../../mirror/provenance/keeper.ts';
import { exceptionOf } from '../../policy/compile.ts';
import type { Policy } from '../../ports/policy.ts';
import { createPins } from '../../state/pins.ts';
import type { IndexParts } from '../compose-index.ts';
import { advisoriesOf, rulesFor } from './rules.ts';

type Parts = Pick<
  IndexParts,
  'index' | 'config' | 'state' | 'clock' | 'advisories' | 'emit' | 'fileWork' | 'provenance'
>;

/** What may be served of an index. Throws Refusal `state`. */
export async function composePolicy(parts: Parts, provenance?: ProvenanceKeeper): Promise<Policy> {
  const { index, config, state, clock, advisories } = parts;
  const contents = contentsOf(parts);
  const told = advisoriesOf(config, index);
  return new ComposedPolicy({
    rules: rulesFor(config, index, provenance !== undefined),
    exceptions: index.policy?.exceptions.map(exceptionOf),
    sources: [
      await WordsByHand.open(state),
      await OperatorAnswers.open(state),
      ...(told === undefined || advisories === undefined ? [] : [advisories]),
      ...(provenance === undefined ? [] : [provenance]),
      ...(contents === undefined ? [] : [contents]),
    ],
    clock,
  });
}

/** Who looks into files, where a condition is about what lies in them. */
function contentsOf({ index, state, clock, emit, fileWork, provenance: serving }: Parts): ContentsKeeper | undefined {
  const conditions = (index.policy?.conditions ?? []).flatMap((each) => ('unjudged' in each ? [each] : []));
  if (conditions.length === 0) return undefined;
  const isOf = (when: (typeof conditions)[number]['when']) => conditions.some((each) => each.when === when);
  return new ContentsKeeper({
    index: index.name,
    state,
    pins: createPins(state),
    clock,
    emit,
    needs: { licence: isOf('licence'), differs: isOf('metadata-differs'), startup: isOf('new-pth') },
    holds: conditions.some(({ action, unjudged }) => action !== 'report' || unjudged !== 'report'),
    holdsUnjudged: conditions.some(({ unjudged }) => unjudged !== 'report'),
    // A command finds nothing out behind its back.
    work: serving === undefined ? undefined : fileWork,
  });
}
