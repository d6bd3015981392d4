import { instantText } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { clockActs } from '../../mirror/operator/clock-acts.ts';
import { BUILT_AT } from '../../version.ts';
import type { AcceptClockRequest, AcceptedClocks } from '../control/requests.ts';
import { indexOf } from '../data-directory.ts';
import type { OperatorPlace } from './place.ts';

/** This machine's clock is right and was ahead before: what it left behind is set right, and that is written down. */
export async function acceptClockIn(
  place: OperatorPlace,
  { index, reason, dryRun }: AcceptClockRequest,
): Promise<AcceptedClocks> {
  const now = place.now();
  if (now < BUILT_AT)
    throw new Refusal(
      'clock',
      `This machine's clock says ${instantText(now)}, and this program was made later. Set the clock first.`,
      { subject: 'state' },
    );
  const indexes = index === undefined ? Object.keys(place.config.indexes) : [indexOf(place.config, index).name];
  const accepted: AcceptedClocks['accepted'][number][] = [];
  for (const each of indexes) {
    const state = await place.state(each);
    const acts = await clockActs(state, now);
    if (!dryRun && acts.length > 0) {
      // The word is kept before anything follows from it.
      const entry = { at: now, action: 'accept-clock', reason };
      await state.facts.change((was) => was && { ...was.value, audit: [...was.value.audit, entry] });
      for (const act of acts) await act.carryOut();
    }
    accepted.push(...acts.map(({ what, before, after }) => ({ index: each, what, before, after })));
  }
  return { now, accepted };
}
