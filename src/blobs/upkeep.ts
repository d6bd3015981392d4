import { yieldToEventLoop } from '../async/yield.ts';
import type { BlobStorage, UsageRecord } from '../ports/blob-storage.ts';
import type { Aliases } from './aliases.ts';
import type { Evictor } from './evict.ts';
import { KEPT_EVERY_MS, RECORD_EVERY_MS, RESCAN_EVERY_MS } from './limits.ts';
import type { Bulletin } from './peers/bulletin.ts';
import { saveUse, scanBlobs } from './scan.ts';
import type { UsageOrder } from './usage-order.ts';

/** Begins the reason for which something is retained; an earlier program's goes on behind it. */
export const RETAINED = 'retained';
const RETAINED_A_TURN = 5000;

/** The digests of all that is kept whatever room is needed. */
export type Retained = () => AsyncIterable<string>;

interface UpkeepDeps {
  readonly storage: BlobStorage;
  readonly record: UsageRecord;
  readonly order: UsageOrder;
  readonly aliases: Aliases;
  readonly evictor: Evictor;
  readonly bulletin: Bulletin;
  /** What is kept for a reason of the mirror's own, all of it; undefined where nothing is. */
  readonly retained?: Retained | undefined;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * What is done behind the requests: the scan at start and every hour, the use record, aliases that lead nowhere. A
 * command beside the server only looks (`isOwner` false): nothing is removed or recorded by it.
 */
export class Upkeep {
  readonly #deps: UpkeepDeps;
  readonly #isOwner: boolean;
  readonly #timers: readonly NodeJS.Timeout[];
  /** Resolves when the scan at start has seen everything. */
  readonly scanned: Promise<void>;
  #scanning: Promise<void>;
  #isScanned = false;
  #isClosed = false;
  #unsaved = false;
  #keeping: NodeJS.Timeout | undefined;
  #isKeptNew = false;

  constructor(deps: UpkeepDeps, isOwner: boolean) {
    this.#deps = deps;
    this.#isOwner = isOwner;
    this.#scanning = this.#scan();
    this.scanned = this.#scanning;
    this.#timers = isOwner
      ? [
          setInterval(() => void this.#save(), RECORD_EVERY_MS).unref(),
          setInterval(() => void this.rescan(), RESCAN_EVERY_MS).unref(),
        ]
      : [];
  }

  /** Everything that is stored has been seen once. */
  get isScanned(): boolean {
    return this.#isScanned;
  }

  /** Looks at everything that is stored once more. */
  rescan(): Promise<void> {
    this.#scanning = this.#scanning.then(() => this.#scan());
    return this.#scanning;
  }

  /** What is retained by now is spared from eviction when this resolves, and what only was no longer. Throws where it cannot be told. */
  retain(): Promise<void> {
    const retaining = this.#scanning.then(() => (this.#isOwner ? this.#retain() : undefined));
    this.#scanning = retaining.catch(() => undefined);
    return retaining;
  }

  /** The order of use has changed. */
  changed(): void {
    this.#unsaved = true;
  }

  /** So has what is kept: that is recorded soon, and few times where much is kept at once. */
  kept(): void {
    this.changed();
    this.#isKeptNew = true;
    if (!this.#isOwner || this.#isClosed) return;
    this.#keeping ??= setTimeout(() => void this.#saveKept(), KEPT_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#keeping);
    for (const timer of this.#timers) clearInterval(timer);
    await this.#scanning;
    await this.#save();
  }

  async #scan(): Promise<void> {
    const { storage, record, order, aliases, evictor, onTrouble } = this.#deps;
    const isStopped = () => this.#isClosed;
    try {
      this.#isScanned = (await scanBlobs(storage, record, order, isStopped)) || this.#isScanned;
      if (!this.#isOwner) return;
      // Between a sibling's blob and our record of it lies one look at the disk.
      const isStored = async (sha256: string) =>
        order.has(sha256) || (await storage.stat(sha256).catch(() => undefined)) !== undefined;
      await aliases.sweep(isStored, isStopped);
      await this.#retain();
      await evictor.run();
    } catch (error) {
      // What is there is still found when it is asked for; only its size and order are not known.
      onTrouble(error);
    }
  }

  /** Spares what is retained now, and nothing that only was; other processes are told what is new of that. */
  async #retain(): Promise<void> {
    const { order, retained } = this.#deps;
    if (retained === undefined) return;
    const now = new Set<string>();
    let turn = 0;
    for await (const sha256 of retained()) {
      if (this.#isClosed) return;
      now.add(sha256);
      if (order.keptBy(sha256) === undefined) this.#keep(sha256, RETAINED);
      if (++turn % RETAINED_A_TURN === 0) await yieldToEventLoop();
    }
    for (const { sha256, keptBy } of [...order.entries()])
      if (keptBy?.startsWith(RETAINED) === true && !now.has(sha256)) this.#keep(sha256, undefined);
    this.changed();
  }

  #keep(sha256: string, by: string | undefined): void {
    const { order, bulletin } = this.#deps;
    if (order.keep(sha256, by)) bulletin.add({ kind: 'kept', sha256, by });
  }

  async #saveKept(): Promise<void> {
    this.#isKeptNew = false;
    await this.#save();
    this.#keeping = undefined;
    if (this.#isKeptNew) this.kept();
  }

  async #save(): Promise<void> {
    // Until a scan is through, the record on disk knows more than we do.
    if (!this.#isOwner || !this.#unsaved || !this.#isScanned) return;
    this.#unsaved = false;
    await saveUse(this.#deps.record, this.#deps.order).catch(this.#deps.onTrouble);
  }
}
