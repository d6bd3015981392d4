import type { Instant } from '../../bytes/instant.ts';
import { type Act, actsOf } from '../../mirror/operator/acts.ts';
import { bulkActs } from '../../mirror/operator/bulk-acts.ts';
import type { IndexState } from '../../ports/index-state.ts';
import type { AcceptChangeRequest, AcceptedChange } from '../control/requests.ts';
import { indexOf } from '../data-directory.ts';
import { audited } from './audited.ts';
import type { OperatorPlace } from './place.ts';

/** Lets through what Verbatim refuses to believe by itself, and writes it down. Throws Refusal. */
export async function acceptChangeIn(
  { config, journal, ...place }: OperatorPlace,
  request: AcceptChangeRequest,
): Promise<readonly AcceptedChange[]> {
  const { index, project, file, change, all, reason, dryRun } = request;
  indexOf(config, index);
  const state = await place.state(index);
  const at = { state, now: place.now(), reason };
  const acts = await (all === undefined
    ? actsOf(at, { project, file, change })
    : bulkActs(at, all, journal.read({ index })));
  if (!dryRun && acts.length > 0) await carryOut(acts, { ...at, journal }, request);
  return acts.map(({ carryOut: _, ...act }) => act);
}

interface At {
  readonly state: Pick<IndexState, 'facts' | 'index'>;
  readonly now: Instant;
  readonly journal: OperatorPlace['journal'];
}

async function carryOut(acts: readonly Act[], { state, now, journal }: At, request: AcceptChangeRequest) {
  const { index, reason } = request;
  // The word is kept before anything follows from it.
  await audited(state, now, actionText(request), reason);
  for (const act of acts) {
    await act.carryOut();
    const { project, file, what, before, after } = act;
    const word = { kind: 'accepted', before, after, reason: `${what}: ${reason}` } as const;
    journal.note({ at: now, index, project, file, ...word });
  }
  await journal.flush();
}

function actionText({ project, file, change, all }: AcceptChangeRequest): string {
  const named = Object.entries({ ...all, ...change })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${String(value)}`);
  return ['accept-change', project, file, ...named].filter((part) => part !== undefined).join(' ');
}
