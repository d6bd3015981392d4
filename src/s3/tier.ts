import type { Range } from '../bytes/range.ts';
import { type BlobStorage, type BlobWriter, StorageError, type StoredBytes } from '../ports/blob-storage.ts';
import type { BlobChange } from '../ports/peers.ts';
import { PART_BYTES } from './limits.ts';
import { TierOrder } from './tier-order.ts';

interface TierOptions {
  readonly disk: BlobStorage;
  readonly maxBytes: number;
  /** False for a command beside the server: nothing makes room for others. */
  readonly isOwner: boolean;
  /** Of the processes on one disk one holds it to its limit. */
  readonly leads: boolean;
  /** Whether the bucket has it, which is asked before anything goes that another process brought here. */
  readonly isThere: (sha256: string) => Promise<boolean>;
  /** What lies nowhere else yet, or is just being brought, stays. */
  readonly spare: (sha256: string) => boolean;
  readonly onTrouble: (error: unknown) => void;
}

/** What the tier of a machine holds, and what waits. */
export interface TierUsage {
  readonly blobs: number;
  readonly bytes: number;
  readonly limit: number;
  /** Files that are in the bucket not yet. */
  readonly waiting: number;
  /** Files that stay on this machine alone, because too many waited. */
  readonly dropped: number;
  /** Why the bucket could not be had, at the last attempt. */
  readonly away: string | undefined;
}

/** This machine's disk before a bucket, held to its limit: what was least recently used goes first. */
export class Tier {
  readonly order: TierOrder;
  readonly #options: TierOptions;
  #tidying: Promise<void> | undefined;

  constructor(options: TierOptions) {
    this.#options = options;
    this.order = new TierOrder(options.maxBytes);
  }

  /** Opens what lies here, which counts as a use. */
  async open(sha256: string, range: Range): Promise<StoredBytes | undefined> {
    const here = await this.#options.disk.open(sha256, range);
    if (here === undefined) this.order.gone(sha256);
    else this.order.used(sha256, here.size);
    return here;
  }

  /** Looks at what lies here. */
  async find(): Promise<ReadonlyMap<string, number | undefined>> {
    const here = new Map<string, number | undefined>();
    for await (const { sha256, size } of this.#options.disk.list()) {
      here.set(sha256, size);
      if (size !== undefined) this.order.found(sha256, size);
    }
    return here;
  }

  /** Another process on the same disk stored, used or removed it. */
  heard(change: BlobChange): void {
    if (change.kind === 'removed') this.order.gone(change.sha256);
    if (change.kind !== 'added' && change.kind !== 'used') return;
    this.order.used(change.sha256, change.size, true);
    this.tidy();
  }

  /** Writes as `writer` does, and makes room where others fill the disk, too; what is committed counts as used. */
  writing(writer: BlobWriter, onCommit: (sha256: string) => void): BlobWriter {
    return {
      write: (bytes, position) => this.#write(writer, bytes, position),
      commit: async (sha256) => {
        const facts = await writer.commit(sha256);
        this.order.used(sha256, facts.size);
        onCommit(sha256);
        this.tidy();
        return facts;
      },
      restart: () => writer.restart(),
      discard: () => writer.discard(),
      keep: () => writer.keep(),
    };
  }

  /** Holds the disk to its limit, behind whoever asks. */
  tidy(): void {
    const { isOwner, leads } = this.#options;
    if (!isOwner || !leads || this.order.bytes <= this.order.maxBytes || this.#tidying !== undefined) return;
    this.#tidying = this.#remove(this.order.surplus(this.#options.spare))
      .catch(this.#options.onTrouble)
      .then(() => {
        this.#tidying = undefined;
      });
  }

  async settled(): Promise<void> {
    await this.#tidying;
  }

  /** Where the disk is full what lies in the bucket as well makes room, once. */
  async #write(writer: BlobWriter, bytes: Uint8Array, position: number): Promise<void> {
    try {
      await writer.write(bytes, position);
    } catch (error) {
      if (!this.#options.isOwner || !(error instanceof StorageError && error.kind === 'full')) throw error;
      const isRoom = await this.#remove(this.order.room(Math.max(bytes.byteLength, PART_BYTES), this.#options.spare));
      if (!isRoom) throw error;
      await writer.write(bytes, position);
    }
  }

  /** False where there was nothing to remove. */
  async #remove(first: Iterable<string>): Promise<boolean> {
    const { disk, isThere } = this.#options;
    let isGone = false;
    for (const sha256 of first) {
      if (this.order.isOthers(sha256) && !(await isThere(sha256))) continue;
      this.order.gone(sha256);
      await disk.remove(sha256);
      isGone = true;
    }
    return isGone;
  }
}
