import { Refusal } from '../bytes/refusal.ts';

/** Does something again where the same may well succeed a moment later. Throws what the last attempt threw. */
export type Attempt = <T>(work: () => Promise<T>) => Promise<T>;

/** Attempts in all. */
const ATTEMPTS = 4;
/** Before the second one; four times as long before each that follows. Milliseconds. */
const FIRST_PAUSE_MS = 500;
/** Whatever upstream asks for. */
const LONGEST_PAUSE_MS = 60_000;

export function attempting(pause: (ms: number) => Promise<void>, onRetry: () => void): Attempt {
  return async (work) => {
    for (let attempt = 1; ; attempt++)
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof Refusal) || !error.transient || attempt === ATTEMPTS) throw error;
        onRetry();
        const asked = (error.retryIn ?? 0) * 1000;
        await pause(Math.min(LONGEST_PAUSE_MS, Math.max(asked, FIRST_PAUSE_MS * 4 ** (attempt - 1))));
      }
  };
}
