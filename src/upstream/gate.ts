import { Refusal } from '../bytes/refusal.ts';

/** Hands out at most `places` at a time and lets `queue` wait; `enter` resolves to the function that leaves again. */
export function createGate(places: number, queue: number) {
  let free = places;
  const waiting = new Set<() => void>();

  const leave = () => {
    const [next] = waiting;
    if (next === undefined) free++;
    else {
      waiting.delete(next);
      next();
    }
  };
  const once = () => {
    let inside = true;
    return () => {
      if (inside) leave();
      inside = false;
    };
  };
  return {
    async enter(signal: AbortSignal): Promise<() => void> {
      signal.throwIfAborted();
      if (free > 0) free--;
      else if (waiting.size >= queue)
        throw new Refusal('limit', 'Too many requests wait for the upstream index already. Try again in a moment.', {
          transient: true,
        });
      else
        await new Promise<void>((resolve, reject) => {
          const stop = () => {
            waiting.delete(go);
            reject(signal.reason);
          };
          const go = () => {
            signal.removeEventListener('abort', stop);
            resolve();
          };
          waiting.add(go);
          signal.addEventListener('abort', stop, { once: true });
        });
      return once();
    },
  };
}
