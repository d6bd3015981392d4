import type { Range } from '../bytes/range.ts';
import { type BlobStorage, type BlobWriter, StorageError, type StoredBytes } from '../ports/blob-storage.ts';
import { PART_BYTES } from './limits.ts';
import { TierOrder } from './tier-order.ts';

interface TierOptions {
  readonly disk: BlobStorage;
  readonly maxBytes: number;
  /** False for a command beside the server: nothing makes room for others. */
  readonly isOwner: boolean;
  /** What lies nowhere else yet, or is just being brought, stays. */
  readonly spare: (sha256: string) => boolean;
  readonly onTrouble: (error: unknown) => void;
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
    if (here !== undefined) this.order.used(sha256, here.size);
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
    if (!this.#options.isOwner || this.#tidying !== undefined) return;
    this.#tidying = this.#remove(this.order.surplus(this.#options.spare))
      .catch(this.#options.onTrouble)
      .finally(() => {
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
      const gone = this.order.room(Math.max(bytes.byteLength, PART_BYTES), this.#options.spare);
      if (gone.length === 0) throw error;
      await this.#remove(gone);
      await writer.write(bytes, position);
    }
  }

  async #remove(gone: readonly string[]): Promise<void> {
    for (const sha256 of gone) {
      this.order.gone(sha256);
      await this.#options.disk.remove(sha256);
    }
  }
}
