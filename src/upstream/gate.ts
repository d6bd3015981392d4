import { Refusal } from '../bytes/refusal.ts';

/** Lets in; resolves to the function that leaves again. */
export interface Gate {
  enter(signal: AbortSignal): Promise<() => void>;
}

/** Of all places, those that files may have: however many come slowly, some are left for pages and metadata. */
const FILES_SHARE = 0.75;

/** One set of places for all; files wait for their share of it first. */
export function createGates(places: number, queue: number): { readonly documents: Gate; readonly files: Gate } {
  const documents = createGate(places, queue);
  const share = createGate(Math.ceil(places * FILES_SHARE), queue);
  const files: Gate = {
    async enter(signal) {
      const leaveShare = await share.enter(signal);
      try {
        const leave = await documents.enter(signal);
        return () => {
          leave();
          leaveShare();
        };
      } catch (error) {
        leaveShare();
        throw error;
      }
    },
  };
  return { documents, files };
}

/** Hands out at most `places` at a time and lets `queue` wait; `enter` resolves to the function that leaves again. */
function createGate(places: number, queue: number): Gate {
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
