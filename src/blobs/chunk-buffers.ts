import { Refusal } from '../bytes/refusal.ts';
import { CHUNK, READ_PATIENCE_MS } from './limits.ts';

/** Buffers of one chunk, shared by all readers, so that memory does not grow with their number. */
export interface Pool {
  /** Waits for one; throws Refusal `limit` where too many wait already or none came in time, or the signal's reason. */
  take(signal?: AbortSignal): Promise<Buffer>;
  /** One more, if nobody has to wait for it. */
  takeSpare(): Buffer | undefined;
  give(buffer: Buffer): void;
  inUse(): number;
}

interface Waiter {
  readonly grant: (buffer: Buffer) => void;
}

/** `most` buffers at once, `queue` waiters for at most `patience` milliseconds each, and `idle` buffers kept for the next reader. */
export function createPool(options: {
  readonly most: number;
  readonly queue: number;
  readonly idle: number;
  readonly patience?: number | undefined;
}): Pool {
  const { patience = READ_PATIENCE_MS } = options;
  const free: Buffer[] = [];
  const waiting = new Set<Waiter>();
  let inUse = 0;

  const next = (): Buffer => {
    inUse++;
    return free.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
  };

  return {
    take(signal) {
      signal?.throwIfAborted();
      if (inUse < options.most) return Promise.resolve(next());
      if (waiting.size >= options.queue) return Promise.reject(tooMany());
      return new Promise((resolve, reject) => {
        const over = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', leave);
          waiting.delete(waiter);
        };
        const leave = () => {
          over();
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          over();
          reject(tooMany());
        }, patience);
        const waiter: Waiter = {
          grant: (buffer) => {
            over();
            resolve(buffer);
          },
        };
        waiting.add(waiter);
        signal?.addEventListener('abort', leave, { once: true });
      });
    },
    takeSpare: () => (inUse < options.most && waiting.size === 0 ? next() : undefined),
    give(buffer) {
      for (const waiter of waiting) {
        waiter.grant(buffer);
        return;
      }
      inUse--;
      if (free.length < options.idle) free.push(buffer);
    },
    inUse: () => inUse,
  };
}

function tooMany(): Refusal {
  return new Refusal('limit', 'Too many files are being read at this moment. Try again in a moment.', {
    transient: true,
  });
}
