import type { Lease } from '../../src/ports/lease.ts';

/** A service of leases that several processes share, in memory, for tests. */
export interface LeaseService {
  /** One of those who use it. */
  party(name: string): Lease & { die(): void };
  /** So much later: who lives has renewed what it holds. */
  pass(seconds: number): void;
  /** False: it answers nobody. */
  setReachable(reachable: boolean): void;
}

/** Seconds after which a holder that does not renew has lost its key. */
export const TERM = 30;

interface Taken {
  readonly token: symbol;
  readonly holder: { readonly name: string; alive: boolean };
  until: number;
}

export function createLeaseService(): LeaseService {
  const taken = new Map<string, Taken>();
  const waiting = new Set<() => void>();
  let now = 0;
  let isReachable = true;
  const changed = () => {
    for (const look of [...waiting]) look();
  };
  return {
    party(name) {
      const holder = { name, alive: true };
      return {
        async take(key) {
          if (!isReachable) return { held: true, sure: false, release: async () => undefined };
          const other = taken.get(key);
          if (other !== undefined) return { held: false, heldBy: other.holder.name };
          const token = Symbol(key);
          taken.set(key, { token, holder, until: now + TERM });
          return {
            held: true,
            sure: true,
            async release() {
              if (taken.get(key)?.token === token) taken.delete(key);
              changed();
            },
          };
        },
        ended: (key, signal) =>
          new Promise((resolve) => {
            const look = () => {
              if (taken.has(key) && !signal.aborted) return;
              waiting.delete(look);
              signal.removeEventListener('abort', look);
              resolve();
            };
            waiting.add(look);
            signal.addEventListener('abort', look);
            look();
          }),
        die() {
          holder.alive = false;
        },
      };
    },
    pass(seconds) {
      for (let second = 0; second < seconds; second++) {
        now++;
        for (const [key, one] of taken) {
          if (one.holder.alive && isReachable) one.until = now + TERM;
          if (one.until <= now) taken.delete(key);
        }
      }
      changed();
    },
    setReachable(reachable) {
      isReachable = reachable;
    },
  };
}
