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
