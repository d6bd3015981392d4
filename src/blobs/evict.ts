import { Mutex } from '../async/mutex.ts';
import type { BlobStorage } from '../ports/blob-storage.ts';
import type { UsageOrder } from './usage-order.ts';

interface EvictorDeps {
  readonly storage: BlobStorage;
  readonly order: UsageOrder;
  readonly isSending: (sha256: string) => boolean;
  readonly forget: (sha256: string) => void;
}

/** Removes what was least recently used until the limit holds again; never what is being sent or kept. */
export class Evictor {
  readonly #deps: EvictorDeps;
  readonly #mutex = new Mutex();

  constructor(deps: EvictorDeps) {
    this.#deps = deps;
  }

  /** `room`: bytes that are wanted besides what is stored. `newest` stays: it was filled for somebody who waits. */
  run({ room = 0, newest }: { readonly room?: number; readonly newest?: string } = {}): Promise<void> {
    return this.#mutex.run('', () => this.#evict(room, newest));
  }

  async #evict(room: number, newest: string | undefined): Promise<void> {
    const { storage, order, isSending, forget } = this.#deps;
    for (;;) {
      const victim = order.victim((sha256) => sha256 === newest || isSending(sha256), room);
      if (victim === undefined) return;
      const { sha256, segment, size, index } = victim;
      order.removed(sha256);
      forget(sha256);
      try {
        await storage.remove(sha256);
      } catch {
        // A disk that cannot even remove: what is there stays counted, and the next fill tries again.
        order.found({ sha256, segment, keptBy: undefined, index }, size);
        return;
      }
    }
  }
}
