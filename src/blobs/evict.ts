import { Mutex } from '../async/mutex.ts';
import type { BlobStorage, SharedEviction } from '../ports/blob-storage.ts';
import type { Bulletin } from './peers/bulletin.ts';
import type { UsageOrder } from './usage-order.ts';

interface EvictorDeps {
  readonly storage: BlobStorage;
  readonly order: UsageOrder;
  readonly isSending: (sha256: string) => boolean;
  readonly forget: (sha256: string) => void;
  readonly bulletin: Bulletin;
  /** Where machines share the storage. */
  readonly shared?: SharedEviction | undefined;
}

/** What was removed to make room. */
export interface Evicted {
  readonly files: number;
  readonly bytes: number;
}

/** Blobs that are spared for others before it is given up to make room. */
const MOST_SPARED = 1000;

/** Removes what was least recently used until the limit holds again; never what is being sent or kept. */
export class Evictor {
  readonly #deps: EvictorDeps;
  readonly #mutex = new Mutex();
  #evicted: Evicted = { files: 0, bytes: 0 };

  constructor(deps: EvictorDeps) {
    this.#deps = deps;
  }

  get evicted(): Evicted {
    return this.#evicted;
  }

  /** `room`: bytes that are wanted besides what is stored. `newest` stays: it was filled for somebody who waits. */
  run({ room = 0, newest }: { readonly room?: number; readonly newest?: string } = {}): Promise<void> {
    const { shared, order, bulletin } = this.#deps;
    return this.#mutex.run('', async () => {
      if (shared === undefined) {
        if (order.victim((sha256) => sha256 === newest, room) !== undefined)
          await bulletin.alone(() => this.#evict(room, newest, () => true));
        return;
      }
      // A full disk is no reason to take from others: room is the storage's own to make.
      if (room === 0 && order.victim((sha256) => sha256 === newest) !== undefined)
        await shared.alone((still) => this.#evict(0, newest, still));
    });
  }

  async #evict(room: number, newest: string | undefined, still: () => boolean): Promise<void> {
    const { storage, order, isSending, forget, shared, bulletin } = this.#deps;
    const spared = new Set<string>();
    for (;;) {
      const victim = order.victim((sha256) => sha256 === newest || spared.has(sha256) || isSending(sha256), room);
      if (victim === undefined || spared.size > MOST_SPARED) return;
      const { sha256, segment, size, index } = victim;
      if (shared !== undefined && (await shared.spares(sha256))) {
        spared.add(sha256);
        continue;
      }
      if (!still()) return;
      order.removed(sha256);
      forget(sha256);
      try {
        await storage.remove(sha256);
        this.#evicted = { files: this.#evicted.files + 1, bytes: this.#evicted.bytes + size };
        bulletin.add({ kind: 'removed', sha256 });
      } catch {
        // A disk that cannot even remove: what is there stays counted, and the next fill tries again.
        order.found({ sha256, segment, keptBy: undefined, index }, size);
        return;
      }
    }
  }
}
