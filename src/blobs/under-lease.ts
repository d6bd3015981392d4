import { deadline, unlessAborted, within } from '../async/timeout.ts';
import type { HeldElsewhere, Holding, Lease } from '../ports/lease.ts';

/** Milliseconds. */
export interface LeaseTimes {
  /** The longest that a lease is waited for; one that says nothing in that time grants. */
  readonly answerMs: number;
  /** Between two looks at whether what another holds is done: at most, and at least. */
  readonly lookMs: number;
  readonly leastMs: number;
  /** After so long another's work is done here all the same. */
  readonly patienceMs: number;
}

interface UnderLease<T> {
  readonly lease: Lease;
  readonly key: string;
  readonly times: LeaseTimes;
  /** Ends the waiting, with its reason, and gives the key up. */
  readonly signal: AbortSignal;
  /** What somebody else has done meanwhile. */
  look(): Promise<T | undefined>;
  run(): Promise<T>;
}

/** A lease that cannot say anything keeps nobody from working. */
const GRANTED: Holding = { held: true, sure: false, release: async () => undefined };

/**
 * Does the work where the key is granted, and otherwise waits until whoever holds it has done it. What a lease says is not believed:
 * it can make work be done twice, or wait for a bounded time, and nothing else.
 */
export async function underLease<T>(work: UnderLease<T>): Promise<T> {
  const { signal, times, look, run } = work;
  const begun = performance.now();
  for (let looks = 0; ; looks++) {
    const taken = await take(work);
    const isWaitedOut = performance.now() - begun >= times.patienceMs;
    if (taken.held || isWaitedOut)
      return holding(taken.held ? taken : GRANTED, signal, async () => (looks > 0 ? await look() : undefined) ?? run());
    await pause(work);
    signal.throwIfAborted();
    const done = await look();
    if (done !== undefined) return done;
  }
}

/** Gives the key up as soon as the work is over, or nobody waits for it any more. */
async function holding<T>(taken: Holding, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  const release = () => giveUp(taken);
  signal.addEventListener('abort', release, { once: true });
  try {
    signal.throwIfAborted();
    return await run();
  } finally {
    signal.removeEventListener('abort', release);
    release();
  }
}

async function take<T>({ lease, key, times }: UnderLease<T>): Promise<Holding | HeldElsewhere> {
  let isWaitedFor = true;
  const asked = Promise.resolve().then(() => lease.take(key));
  const answered = asked.then((taken) => {
    // What is granted after its time would be held by nobody.
    if (!isWaitedFor && taken.held) giveUp(taken);
    return taken;
  });
  try {
    return await within<Holding | HeldElsewhere>(times.answerMs, answered, GRANTED);
  } catch {
    return GRANTED;
  } finally {
    isWaitedFor = false;
    answered.catch(() => undefined);
  }
}

function giveUp(taken: Holding): void {
  Promise.resolve()
    .then(() => taken.release())
    .catch(() => undefined);
}

/** Until the key may be free, or it is time to look again. */
async function pause<T>({ lease, key, times, signal }: UnderLease<T>): Promise<void> {
  const longest = deadline(times.lookMs, () => undefined, signal);
  const least = deadline(times.leastMs, () => undefined, signal);
  try {
    const ended = Promise.resolve().then(() => lease.ended(key, longest.signal));
    await unlessAborted(ended, longest.signal).catch(() => undefined);
    await unlessAborted(new Promise(() => undefined), least.signal).catch(() => undefined);
  } finally {
    longest.clear();
    least.clear();
  }
}
