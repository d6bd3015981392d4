import { Refusal } from '../bytes/refusal.ts';

const ACCEPT_STATE_LOSS = 'verbatim accept-state-loss INDEX --reason "..."';

/** State that cannot be believed is never taken for absent state: that would lower what was promised. */
export function cannotBelieve(item: string, what: string, cause?: unknown): Refusal {
  const why = cause instanceof Error ? ` ${cause.message}` : '';
  return new Refusal(
    'state',
    `The item of state ${item} is missing or damaged: it holds ${what}.${why} Nothing is served on a guess. Restore it from a backup; what cannot be restored is given up by: ${ACCEPT_STATE_LOSS}`,
    { subject: 'state', cause },
  );
}

/** True for a judgement on what is stored, false for a storage that could not be asked. */
export function isDamage(error: unknown): error is Refusal {
  return error instanceof Refusal && error.reason === 'state' && !error.transient;
}
