import { isDigest } from '../bytes/digest.ts';
import type { SharedEviction, UsageRecord } from '../ports/blob-storage.ts';
import type { S3BlobStorage } from './blob-storage.ts';
import type { Leader } from './leader.ts';
import {
  KEPT_RECORD_MS,
  LEADER_PAUSE_MS,
  TOUCH_RECORD_MS,
  TOUCH_RECORDS,
  TOUCHED_FILES,
  TOUCHED_MEMORY_MS,
  USED_LATELY_MS,
} from './limits.ts';
import type { S3ObjectStore } from './object-store.ts';

interface SharedUseOptions {
  readonly storage: S3BlobStorage;
  readonly store: S3ObjectStore;
  /** This replica's own, 1 to 64 letters, digits and `-`: the name of its record. */
  readonly replica: string;
  /** Who evicts, as far as that is known by now; where there is none nobody does. */
  readonly leader: () => Leader | undefined;
  readonly onTrouble: (error: unknown) => void;
}

const RECORDS = 'used/';
/** Begins a line of what is kept, here as in the order of use. */
const KEPT = 'k ';
const LINE = 67;

/**
 * What replicas use of a bucket: each writes one record of what it used lately and keeps, and the one that evicts reads them all. Without a leader nobody
 * evicts.
 */
export class SharedUse implements SharedEviction {
  readonly #options: SharedUseOptions;
  #others: ReadonlySet<string> = new Set();
  #readAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(options: SharedUseOptions) {
    this.#options = options;
  }

  async alone(work: (still: () => boolean) => Promise<void>): Promise<void> {
    const leader = this.#options.leader();
    if (leader === undefined || performance.now() - this.#askedAt < LEADER_PAUSE_MS) return;
    let hasLed = false;
    try {
      hasLed = await leader.lead(work);
    } finally {
      // Whoever does not lead, or could not find out, does not ask for each file that is stored.
      if (!hasLed) this.#askedAt = performance.now();
    }
  }

  /** Throws ObjectStoreError where it cannot be found out, so that nothing is evicted. */
  async spares(sha256: string): Promise<boolean> {
    if (performance.now() - this.#readAt > TOUCHED_MEMORY_MS) {
      this.#others = await this.#read();
      this.#readAt = performance.now();
    }
    if (this.#others.has(sha256)) return true;
    const facts = await this.#options.storage.objects.facts(sha256);
    return facts !== undefined && (facts.ageMs === undefined || facts.ageMs < USED_LATELY_MS);
  }

  /** The order of use on this machine, with what others should know of it told to them whenever it is written. */
  told(record: UsageRecord): UsageRecord {
    return {
      read: () => record.read(),
      write: async (bytes) => {
        await record.write(bytes);
        await this.#tell(bytes).catch(this.#options.onTrouble);
      },
    };
  }

  /** Tells what this process used lately; what is kept another one tells. */
  async tellUse(): Promise<void> {
    await this.#tell(new Uint8Array()).catch(this.#options.onTrouble);
  }

  async #tell(order: Uint8Array): Promise<void> {
    const { storage, store, replica } = this.#options;
    const kept = new Set<string>();
    for (const line of linesOf(order))
      if (line.startsWith(KEPT) && kept.size < TOUCHED_FILES) kept.add(line.slice(KEPT.length, KEPT.length + 64));
    const used = storage.usedWithin(USED_LATELY_MS, TOUCHED_FILES - kept.size).filter((sha256) => !kept.has(sha256));
    const lines = [...[...kept].map((sha256) => KEPT + sha256), ...used];
    await store.replace(`${RECORDS}${replica}`, Buffer.from(lines.map((line) => `${line}\n`).join('')));
  }

  /** What a replica keeps stays long after it was last heard of; what it used, for a day. */
  async #read(): Promise<ReadonlySet<string>> {
    const { store, replica } = this.#options;
    const found = new Set<string>();
    let records = 0;
    for await (const { key, ageMs } of store.aged(RECORDS)) {
      if (key === `${RECORDS}${replica}`) continue;
      if (ageMs > KEPT_RECORD_MS || ++records > TOUCH_RECORDS) continue;
      const bytes = (await store.get(key, TOUCHED_FILES * LINE)) ?? new Uint8Array();
      for (const line of linesOf(bytes)) {
        const isKept = line.startsWith(KEPT);
        const sha256 = isKept ? line.slice(KEPT.length) : line;
        if ((isKept || ageMs <= TOUCH_RECORD_MS) && isDigest('sha256', sha256)) found.add(sha256);
      }
    }
    return found;
  }
}

function linesOf(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').split('\n');
}
