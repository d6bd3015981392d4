import type { Caller } from '../../async/caller.ts';
import type { Lease } from '../../ports/lease.ts';

/** Another process that does it is waited for so long. Milliseconds. */
const ELSEWHERE_MS = 10_000;

export interface Turn<T> {
  /** Among the processes that could do it; undefined where there is one. */
  readonly lease: Lease | undefined;
  readonly key: string;
  readonly work: () => Promise<T>;
  /** What another process that was waited for has come to; undefined where that is nothing. */
  readonly done: () => T | undefined;
}

/** Does the work unless another process does it at this moment: what that comes to is taken, or where it comes to nothing, the work is done here. */
export async function inTurn<T>(caller: Caller, { lease, key, work, done }: Turn<T>): Promise<T> {
  if (lease === undefined) return work();
  const holding = await lease.take(key);
  if (!holding.held) {
    await lease.ended(key, AbortSignal.any([caller.signal, AbortSignal.timeout(ELSEWHERE_MS)]));
    return done() ?? work();
  }
  try {
    return await work();
  } finally {
    await holding.release();
  }
}
