import { unlessAborted } from '../async/timeout.ts';
import type { HeldElsewhere, Holding, Lease } from '../ports/lease.ts';

/** Keys that are taken within this process: a holder ends with all who could wait for it, so nothing needs a term. */
export class OwnLease implements Lease {
  readonly #taken = new Map<string, PromiseWithResolvers<void>>();

  async take(key: string): Promise<Holding | HeldElsewhere> {
    if (this.#taken.has(key)) return { held: false, heldBy: 'this process' };
    const ended = Promise.withResolvers<void>();
    this.#taken.set(key, ended);
    return {
      held: true,
      sure: true,
      release: async () => {
        if (this.#taken.get(key) === ended) this.#taken.delete(key);
        ended.resolve();
      },
    };
  }

  async ended(key: string, signal: AbortSignal): Promise<void> {
    await unlessAborted(this.#taken.get(key)?.promise ?? Promise.resolve(), signal).catch(() => undefined);
  }
}

/** A key is held where both have granted it: the one at hand is asked first, and its holder asks the other. */
export class LeaseInOrder implements Lease {
  readonly #near: Lease;
  readonly #far: Lease;

  constructor(near: Lease, far: Lease) {
    this.#near = near;
    this.#far = far;
  }

  async take(key: string): Promise<Holding | HeldElsewhere> {
    const near = await this.#near.take(key);
    if (!near.held) return near;
    try {
      const far = await this.#far.take(key);
      if (!far.held) {
        await near.release();
        return far;
      }
      return {
        held: true,
        sure: near.sure && far.sure,
        async release() {
          // Whoever waits at hand asks the other next.
          await far.release();
          await near.release();
        },
      };
    } catch (error) {
      await near.release();
      throw error;
    }
  }

  async ended(key: string, signal: AbortSignal): Promise<void> {
    await this.#near.ended(key, signal);
    if (!signal.aborted) await this.#far.ended(key, signal);
  }
}
