import { Places } from '../async/places.ts';
import type { Algorithm } from '../bytes/digest.ts';
import type { Range } from '../bytes/range.ts';
import {
  type BlobStorage,
  type BlobWriter,
  type Kept,
  StorageError,
  type StoredBytes,
  type StoredFacts,
  type TakenUp,
  type UsageRecord,
} from '../ports/blob-storage.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import type { BlobChange } from '../ports/peers.ts';
import { BlobObjects } from './blob-objects.ts';
import { Bringing } from './bringing.ts';
import type { S3Client } from './client.ts';
import { UPLOAD_GIVEN_UP_MS, UPLOADS_AT_ONCE } from './limits.ts';
import { tidyUploads } from './multipart.ts';
import { S3ObjectStore } from './object-store.ts';
import { aboutBucket, Reach } from './reach.ts';
import { Tier, type TierUsage } from './tier.ts';
import { Uploads } from './uploads.ts';

export interface S3BlobsOptions {
  readonly client: S3Client;
  /** Blobs on this machine's disk: everything is written there first and read from there. */
  readonly tier: BlobStorage;
  /** Bytes of it. */
  readonly tierBytes: number;
  /** On this machine's disk: what is in the bucket not yet. */
  readonly waiting: UsageRecord;
  /** False for a command beside the server: the disk is not tidied by it. */
  readonly isOwner?: boolean | undefined;
  /** False for all but one of the processes on this disk. */
  readonly leads?: boolean | undefined;
  /** The bucket was lost or is there again; once a change. Must not throw. */
  readonly onReach?: ((away: ObjectStoreError | undefined) => void) | undefined;
  /** Work behind the requests failed; requests go on. Must not throw. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
  readonly breakMs?: number | undefined;
  readonly uploadPauseMs?: number | undefined;
}

/**
 * Blobs in a bucket that machines share, behind a bounded part of this machine's disk. A blob is committed to the disk, and uploaded behind the
 * answer; one that others uploaded is brought whole when it is opened. A bucket that cannot be had holds nothing as far as readers go.
 */
export class S3BlobStorage implements BlobStorage {
  readonly objects: BlobObjects;
  readonly #options: S3BlobsOptions;
  readonly #disk: BlobStorage;
  readonly #tier: Tier;
  readonly #reach: Reach;
  readonly #uploads: Uploads;
  readonly #bringing: Bringing;
  readonly #started: Promise<void>;
  readonly #syncing = new Places(UPLOADS_AT_ONCE);

  constructor(options: S3BlobsOptions) {
    const { client, tier, tierBytes, onReach = () => undefined } = options;
    this.#options = options;
    this.#disk = tier;
    this.objects = new BlobObjects(client, new S3ObjectStore(client));
    this.#tier = new Tier({
      disk: tier,
      maxBytes: tierBytes,
      isOwner: options.isOwner ?? true,
      leads: options.leads ?? true,
      isThere: async (sha256) => (await this.#asked(() => this.objects.facts(sha256))) !== undefined,
      spare: (sha256) => this.#uploads.has(sha256) || this.#bringing.has(sha256),
      onTrouble: (error) => this.#trouble(error),
    });
    this.#reach = new Reach({ onChange: onReach, breakMs: options.breakMs });
    this.#bringing = new Bringing({ objects: this.objects, disk: tier, tier: this.#tier, reach: this.#reach });
    this.#uploads = new Uploads({
      upload: (sha256, signal) => this.#upload(sha256, signal),
      record: options.waiting,
      onTrouble: (error) => this.#trouble(error),
      pauseMs: options.uploadPauseMs,
    });
    this.#started =
      options.isOwner === false ? Promise.resolve() : this.#start().catch((error) => this.#trouble(error));
  }

  usage(): TierUsage {
    const { count: blobs, bytes, maxBytes: limit } = this.#tier.order;
    return {
      blobs,
      bytes,
      limit,
      waiting: this.#uploads.count,
      dropped: this.#uploads.dropped,
      away: this.#reach.away?.message,
    };
  }

  /** What was used on this machine in the last so many milliseconds, the latest first. */
  usedWithin(milliseconds: number, most: number): readonly string[] {
    return this.#tier.order.usedWithin(milliseconds, most);
  }

  async stat(sha256: string, size?: number): Promise<StoredFacts | undefined> {
    const here = await this.#disk.stat(sha256, size);
    if (here !== undefined) return here;
    this.#tier.order.gone(sha256);
    return this.#asked(() => this.objects.facts(sha256));
  }

  /** What lies in the bucket alone is read while it comes. */
  async open(sha256: string, range: Range): Promise<StoredBytes | undefined> {
    const here = await this.#tier.open(sha256, range);
    return here ?? this.#asked(() => this.#bringing.open(sha256, range));
  }

  /** Where the bucket itself gives it to a client; undefined where it does not. Never rejects. */
  async elsewhere(sha256: string, size: number): Promise<string | undefined> {
    if (this.#uploads.has(sha256)) return undefined;
    return this.#asked(() => this.objects.presigned(sha256, size)).catch((error: unknown) => {
      this.#trouble(error);
      return undefined;
    });
  }

  async begin(key?: string): Promise<BlobWriter> {
    return this.#uploaded(await this.#disk.begin(key));
  }

  async takeUp(key: string): Promise<TakenUp | undefined> {
    const writer = await this.#disk.takeUp(key);
    if (writer === undefined) return undefined;
    const read: TakenUp['read'] = (into, position) => writer.read(into, position);
    return { ...this.#uploaded(writer), length: writer.length, read };
  }

  kept(): AsyncIterable<Kept> {
    return this.#disk.kept();
  }

  removeKept(key: string): Promise<void> {
    return this.#disk.removeKept(key);
  }

  /** In the bucket, it outlasts this machine. */
  async sync(sha256: string): Promise<void> {
    await this.#syncing.within(() => this.#syncOne(sha256));
  }

  async #syncOne(sha256: string): Promise<void> {
    await this.#told(async () => {
      if (!this.#uploads.has(sha256) && (await this.objects.facts(sha256)) !== undefined) return;
      if (!(await this.#uploads.now(sha256)))
        throw new StorageError('failed', 'A file that was stored is not there any more.');
    });
  }

  async remove(sha256: string): Promise<void> {
    await this.#uploads.drop(sha256);
    await this.#disk.remove(sha256);
    this.#tier.order.gone(sha256);
    await this.#told(() => this.objects.remove(sha256));
  }

  async setAside(sha256: string): Promise<void> {
    await this.#uploads.drop(sha256);
    await this.#disk.setAside(sha256);
    this.#tier.order.gone(sha256);
    await this.#told(() => this.objects.setAside(sha256));
  }

  /** What lies in the bucket, and what this machine alone has. */
  async *list(): ReturnType<BlobStorage['list']> {
    await this.#started;
    const here = new Map(await this.#tier.find());
    try {
      for await (const { sha256, size } of this.objects.list()) {
        yield { sha256, size: size ?? here.get(sha256) };
        here.delete(sha256);
      }
    } catch (error) {
      throw aboutBucket(error);
    }
    for (const [sha256, size] of here) yield { sha256, size };
  }

  async alias(algorithm: Algorithm, hex: string): Promise<string | undefined> {
    const here = await this.#disk.alias(algorithm, hex);
    if (here !== undefined) return here;
    const there = await this.#asked(() => this.objects.alias(algorithm, hex));
    if (there !== undefined) await this.#disk.addAlias(algorithm, hex, there);
    return there;
  }

  async addAlias(algorithm: Algorithm, hex: string, sha256: string): Promise<void> {
    await this.#disk.addAlias(algorithm, hex, sha256);
    await this.#asked(() => this.objects.addAlias(algorithm, hex, sha256));
  }

  async removeAlias(algorithm: Algorithm, hex: string): Promise<void> {
    await this.#disk.removeAlias(algorithm, hex);
    await this.#asked(() => this.objects.removeAlias(algorithm, hex));
  }

  /** Those that this machine has used. */
  aliases(): ReturnType<BlobStorage['aliases']> {
    return this.#disk.aliases();
  }

  heard(change: BlobChange): void {
    this.#tier.heard(change);
  }

  /** Lets uploads under way end; what is left is uploaded by the next process on this disk. */
  async close(): Promise<void> {
    await this.#started;
    await this.#uploads.close();
    await this.#tier.settled();
  }

  async #start(): Promise<void> {
    await this.#tier.find();
    await this.#uploads.restore();
    this.#tier.tidy();
    tidyUploads(this.#options.client, UPLOAD_GIVEN_UP_MS).catch((error) => this.#trouble(error));
  }

  #uploaded(writer: BlobWriter): BlobWriter {
    return this.#tier.writing(writer, (sha256) => this.#uploads.add(sha256));
  }

  async #upload(sha256: string, signal: AbortSignal): Promise<boolean> {
    const blob = await this.#tier.open(sha256, { start: 0, end: Number.MAX_SAFE_INTEGER });
    if (blob === undefined) return false;
    try {
      await this.#reach.noting(() => this.objects.upload(sha256, blob, signal));
      return true;
    } catch (error) {
      // What is wrong here is found by its next reader, and never gets there.
      if (!(error instanceof ObjectStoreError && error.kind === 'wrong')) throw error;
      this.#trouble(error);
      return false;
    } finally {
      await blob.close();
    }
  }

  /** For who waits: a bucket that cannot be had has nothing. */
  async #asked<T>(work: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await this.#reach.orMissing(work);
    } catch (error) {
      throw aboutBucket(error);
    }
  }

  /** For who must know what became of it. */
  async #told(work: () => Promise<void>): Promise<void> {
    try {
      await this.#reach.noting(work);
    } catch (error) {
      throw aboutBucket(error);
    }
  }

  #trouble(error: unknown): void {
    this.#options.onTrouble?.(error);
  }
}
