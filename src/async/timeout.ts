/**
 * Calls `late` when the time is up and the event loop has then looked at what came meanwhile: a loop that was busy for longer than the limit has not
 * been waiting, and what it waits for may lie there unread. Returns what calls it off.
 */
export function timeLimit(milliseconds: number, late: () => void): () => void {
  let turn: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    turn = setImmediate(late);
  }, milliseconds);
  return () => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
}

/** A signal that aborts at the latest when the time is up. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** For when the work is over: neither a timer nor a listener stays behind. */
  clear(): void;
}

/** Aborts with the first of `signals` that does, or after `milliseconds` with what `late` says. */
export function deadline(milliseconds: number, late: () => unknown, ...signals: readonly AbortSignal[]): Deadline {
  const first = new AbortController();
  const callOff = timeLimit(milliseconds, () => stop(late()));
  const listeners = signals.map((signal) => ({ signal, onAbort: () => stop(signal.reason) }));
  const clear = () => {
    callOff();
    for (const { signal, onAbort } of listeners) signal.removeEventListener('abort', onAbort);
  };
  const stop = (reason: unknown) => {
    clear();
    first.abort(reason);
  };
  for (const { signal, onAbort } of listeners) {
    if (signal.aborted) {
      onAbort();
      break;
    }
    signal.addEventListener('abort', onAbort, { once: true });
  }
  return { signal: first.signal, clear };
}

/** Whatever comes first: the work, or the time somebody waits for it, and then `otherwise`. The work goes on. */
export async function within<T>(milliseconds: number, work: Promise<T>, otherwise: T): Promise<T> {
  const { promise: late, resolve } = Promise.withResolvers<T>();
  const callOff = timeLimit(milliseconds, () => resolve(otherwise));
  try {
    return await Promise.race([work, late]);
  } finally {
    callOff();
  }
}

/** Rejects with the signal's reason as soon as it aborts. The work goes on; its failure is then nobody's. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject);
  });
}
