import { Refusal } from '../../bytes/refusal.ts';
import type { BlobStorage, SharedEviction } from '../../ports/blob-storage.ts';
import type { Bulletin } from '../peers/bulletin.ts';
import type { UsageOrder } from '../usage-order.ts';
import { Touched } from './touched.ts';

interface PrunerDeps {
  readonly storage: Pick<BlobStorage, 'stat' | 'remove'>;
  readonly order: UsageOrder;
  readonly isSending: (sha256: string) => boolean;
  readonly forget: (sha256: string) => void;
  readonly bulletin: Bulletin;
  /** Where machines share the storage. */
  readonly shared?: SharedEviction | undefined;
}

/** What a turn came to. */
export interface Pruned {
  readonly files: number;
  readonly bytes: number;
  /** In use, or stored, used or kept since the watch began. */
  readonly spared: number;
  /** Could not be removed; it stays, and is counted. */
  readonly failed: number;
}

/** Removes blobs that somebody found nothing to need, as far as that is still so when their turn comes. */
export class Pruner {
  readonly #deps: PrunerDeps;
  #watch: { readonly id: string; readonly touched: Touched } | undefined;

  constructor(deps: PrunerDeps) {
    this.#deps = deps;
  }

  /** What is touched from now on is spared. One watch at a time: the one before is over. */
  begin(id: string): void {
    const touched = new Touched();
    this.#watch = { id, touched };
    this.#deps.order.watch(touched);
  }

  end(id: string): void {
    if (this.#watch?.id !== id) return;
    this.#watch = undefined;
    this.#deps.order.watch(undefined);
  }

  /** Which of them this process spares. Throws Refusal `state` where the watch is over. */
  spared(id: string, digests: readonly string[]): readonly string[] {
    const touched = this.#touched(id);
    return digests.filter((sha256) => this.#spares(sha256, touched));
  }

  /** Throws Refusal `state` where the watch is over, or another machine removes files of the storage at this moment. */
  async drop(id: string, digests: readonly string[]): Promise<Pruned> {
    const { shared, bulletin } = this.#deps;
    const touched = this.#touched(id);
    let pruned: Pruned | undefined;
    const work = async (still: () => boolean) => {
      pruned = await this.#drop(digests, touched, still);
    };
    if (shared === undefined) await bulletin.alone(() => work(() => true));
    else await shared.alone(work);
    if (pruned === undefined) throw othersTurn();
    return pruned;
  }

  async #drop(digests: readonly string[], touched: Touched, still: () => boolean): Promise<Pruned> {
    const done = { files: 0, bytes: 0, spared: 0, failed: 0 };
    for (const sha256 of digests) {
      const { shared, storage } = this.#deps;
      const size = (await storage.stat(sha256))?.size;
      const isSpared = size !== undefined && shared !== undefined && (await shared.spares(sha256));
      if (!still()) throw othersTurn();
      // Asked last: nothing may come between this and the removal.
      if (isSpared || this.#spares(sha256, touched)) done.spared++;
      else if (await this.#remove(sha256)) {
        done.files += size === undefined ? 0 : 1;
        done.bytes += size ?? 0;
      } else done.failed++;
    }
    return done;
  }

  async #remove(sha256: string): Promise<boolean> {
    const { storage, order, forget, bulletin } = this.#deps;
    const size = order.sizeOf(sha256);
    order.removed(sha256);
    forget(sha256);
    try {
      await storage.remove(sha256);
      bulletin.add({ kind: 'removed', sha256 });
      return true;
    } catch {
      // What is there stays counted.
      if (size !== undefined) order.found({ sha256, segment: 'probation', keptBy: undefined, index: undefined }, size);
      return false;
    }
  }

  #spares(sha256: string, touched: Touched): boolean {
    const { order, isSending } = this.#deps;
    return isSending(sha256) || order.keptBy(sha256) !== undefined || touched.has(sha256);
  }

  #touched(id: string): Touched {
    if (this.#watch?.id === id) return this.#watch.touched;
    throw new Refusal(
      'state',
      'The server was started anew, or another prune began, while this one found out what nothing needs. Run it again.',
      { subject: 'state', transient: true },
    );
  }
}

function othersTurn(): Refusal {
  return new Refusal(
    'state',
    'Another machine removes files of the bucket at this moment, or nobody can say who may: run it again in a minute, beside a server that has a bucket with conditional writes, or a Redis.',
    { subject: 'state', transient: true },
  );
}
