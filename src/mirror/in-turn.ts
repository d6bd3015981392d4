import type { Caller } from '../async/caller.ts';
import { deadline } from '../async/timeout.ts';
import type { Lease } from '../ports/lease.ts';

/** Another process that does it is waited for so long, unless stated. Milliseconds. */
const ELSEWHERE_MS = 10_000;

export interface Turn<T> {
  /** Among the processes that could do it; undefined where there is one. */
  readonly lease: Lease | undefined;
  readonly key: string;
  readonly work: () => Promise<T>;
  /** What another process has come to since; undefined where that is nothing. */
  readonly done: () => Promise<T | undefined> | T | undefined;
  /** Milliseconds. */
  readonly patienceMs?: number | undefined;
}

/**
 * Does the work unless another process does it at this moment: what that comes to is taken; where it comes to nothing, whoever has the key next
 * does it.
 */
export async function inTurn<T>(
  caller: Caller,
  { lease, key, work, done, patienceMs = ELSEWHERE_MS }: Turn<T>,
): Promise<T> {
  if (lease === undefined) return work();
  const late = deadline(patienceMs, () => undefined, caller.signal);
  try {
    for (;;) {
      const holding = await lease.take(key);
      if (holding.held) {
        try {
          return (await done()) ?? (await work());
        } finally {
          await holding.release();
        }
      }
      await lease.ended(key, late.signal);
      const elsewhere = await done();
      if (elsewhere !== undefined) return elsewhere;
      if (late.signal.aborted) return await work();
    }
  } finally {
    late.clear();
  }
}
