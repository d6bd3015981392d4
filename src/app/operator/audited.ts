import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { IndexState } from '../../ports/index-state.ts';

/** Notes an operator's act in the audit trail, before anything follows from it. Throws Refusal `state` where there is no state yet. */
export async function audited(
  state: Pick<IndexState, 'facts' | 'index'>,
  at: Instant,
  action: string,
  reason: string,
): Promise<void> {
  const known = await state.facts.change(
    (was) => was && { ...was.value, audit: [...was.value.audit, { at, action, reason }] },
  );
  if (known === undefined)
    throw new Refusal('state', `Index ${state.index} has no state yet to note a change in.`, { subject: 'state' });
}
