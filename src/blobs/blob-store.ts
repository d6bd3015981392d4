import { type Background, createBackground } from '../async/background.ts';
import type { Caller } from '../async/caller.ts';
import { createGate } from '../async/gate.ts';
import { type CommonShares, createShares } from '../async/shares.ts';
import { Expected } from '../bytes/expected.ts';
import { lend, mustBe } from '../bytes/proof.ts';
import { Proven, prove } from '../bytes/proven.ts';
import { type Blob, makeBlob } from '../ports/blob.ts';
import { type BlobStorage, StorageError, type UsageRecord } from '../ports/blob-storage.ts';
import type { Blobs, Wanted } from '../ports/blobs.ts';
import type { OpenDownload } from '../ports/upstream.ts';
import { Aliases } from './aliases.ts';
import { ChunkBuffers } from './chunk-buffers.ts';
import { BlobGone } from './chunks.ts';
import { download as downloadInto, type Waiting } from './download.ts';
import { Evictor } from './evict.ts';
import { FillWriter } from './fill-writer.ts';
import { Fills } from './fills.ts';
import * as LIMITS from './limits.ts';
import { type Proof, Proofs } from './proofs.ts';
import { BlobReader } from './reader.ts';
import { isWrong, type Verification, verifyBlobs } from './scan.ts';
import { refusalOf, StoredBlobs } from './stored-blobs.ts';
import { Upkeep } from './upkeep.ts';
import { type Usage, UsageOrder } from './usage-order.ts';

export interface BlobsOptions {
  readonly storage: BlobStorage;
  readonly record: UsageRecord;
  readonly maxBytes?: number | undefined;
  /** False for a command beside the server on the same storage: nothing is evicted, swept or recorded by it. */
  readonly upkeep?: boolean | undefined;
  /** Where downloads and readers queue; others may queue there too. */
  readonly shares?: Pick<CommonShares, 'chunks' | 'fills'> | undefined;
  readonly maxOrphans?: number | undefined;
  readonly orphanStallMs?: number | undefined;
  /** Bytes of small blobs that are read from the memory they were proved in, 0 for none. */
  readonly freshBytes?: number | undefined;
  /** A stored file was found changed and was set aside. Must not throw. */
  readonly onCorrupt?: ((event: { readonly sha256: string; readonly message: string }) => void) | undefined;
  /** Work behind the requests failed (scan, use record, eviction, sync); requests go on. Must not throw. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
  /** Milliseconds, for back-off. */
  readonly nowMs?: (() => number) | undefined;
}

/** Files and documents over a storage: one download however many ask, every chunk checked as it leaves. */
export class BlobStore implements Blobs {
  readonly #storage: BlobStorage;
  readonly #maxBytes: number;
  readonly #isOwner: boolean;
  readonly #onTrouble: (error: unknown) => void;
  readonly #order: UsageOrder;
  readonly #proofs: Proofs;
  readonly #aliases: Aliases;
  readonly #stored: StoredBlobs;
  readonly #reader: BlobReader;
  readonly #evictor: Evictor;
  readonly #upkeep: Upkeep;
  readonly #fills: Fills;
  readonly #behind: Background = createBackground();
  /** Counts publications, so that a look that overlapped one is taken again. */
  #published = 0;

  constructor(options: BlobsOptions) {
    const { storage, record, onTrouble = () => undefined, onCorrupt = () => undefined } = options;
    this.#storage = storage;
    this.#maxBytes = options.maxBytes ?? LIMITS.MAX_BYTES;
    this.#isOwner = options.upkeep ?? true;
    this.#onTrouble = onTrouble;
    this.#order = new UsageOrder(this.#maxBytes, LIMITS.PROBATION_SHARE);
    this.#aliases = new Aliases(storage, { most: LIMITS.ALIASES_IN_MEMORY, behind: this.#behind, onTrouble });
    const { chunks, fills } = options.shares ?? createShares();
    const buffers = new ChunkBuffers(chunks, LIMITS.IDLE_BUFFERS);
    const ownBuffers = new ChunkBuffers(
      createGate({
        places: LIMITS.OWN_BUFFERS,
        queue: LIMITS.OWN_QUEUE,
        longestWait: LIMITS.OWN_WAIT_MS,
        full: 'Too many stored files are being proved at this moment. Try again in a moment.',
      }),
      LIMITS.OWN_IDLE_BUFFERS,
    );
    const { RECORD_BYTES: memory, HASHING: hashing } = LIMITS;
    this.#proofs = new Proofs({ storage, buffers: ownBuffers, memory, hashing });
    this.#stored = new StoredBlobs({
      storage,
      order: this.#order,
      proofs: this.#proofs,
      aliases: this.#aliases,
      behind: this.#behind,
      onChange: () => this.#upkeep.changed(),
      onCorrupt,
      onTrouble,
    });
    const afterFailedRead = (sha256: string, error: unknown) => this.#stored.afterFailedRead(sha256, error);
    this.#reader = new BlobReader({
      storage,
      buffers,
      ownBuffers,
      freshBytes: options.freshBytes ?? LIMITS.FRESH_BYTES,
      afterFailedRead,
    });
    this.#evictor = new Evictor({
      storage,
      order: this.#order,
      isSending: (sha256) => this.#reader.isSending(sha256),
      forget: (sha256) => this.#proofs.forget(sha256),
    });
    this.#upkeep = new Upkeep(
      { storage, record, order: this.#order, aliases: this.#aliases, evictor: this.#evictor, onTrouble },
      this.#isOwner,
    );
    this.#fills = new Fills({
      run: (wanted, download, waiting) => this.#fill(wanted, download, waiting),
      gate: fills,
      maxOrphans: options.maxOrphans ?? LIMITS.MAX_ORPHANS,
      orphanStallMs: options.orphanStallMs ?? LIMITS.ORPHAN_STALL_MS,
      nowMs: options.nowMs ?? Date.now,
    });
  }

  /** Resolves when the scan at start has seen everything. */
  get scanned(): Promise<void> {
    return this.#upkeep.scanned;
  }

  usage(): Usage & { readonly scanned: boolean; readonly fills: number } {
    return { ...this.#order.usage(), scanned: this.#upkeep.isScanned, fills: this.#fills.active };
  }

  async stored(expected: Expected): Promise<boolean> {
    const sha256 = await this.#aliases.find(mustBe(Expected, expected).digests);
    if (sha256 === undefined) return false;
    if (this.#order.has(sha256)) return true;
    if (this.#upkeep.isScanned) return false;
    return (await this.#storage.stat(sha256, expected.length).catch(() => undefined)) !== undefined;
  }

  async open(expected: Expected): Promise<Blob | undefined> {
    const proof = await this.#stored.find(mustBe(Expected, expected));
    if (proof === undefined) return undefined;
    this.#order.used(proof.sha256, proof.size);
    this.#upkeep.changed();
    return this.#blobOf(proof);
  }

  async fetch(wanted: Wanted, download: OpenDownload, caller: Caller): Promise<Blob> {
    mustBe(Expected, wanted.expected);
    const blob = await this.#find(wanted, download, caller);
    if (wanted.durable === true) await this.#stored.sync(blob.sha256, wanted.subject);
    return blob;
  }

  async keep(sha256: string, by: string | undefined): Promise<boolean> {
    if (by !== undefined && !(/^\P{Cc}+$/u.test(by) && by.length <= LIMITS.KEPT_BY_LENGTH))
      throw new RangeError(`Why a file is kept is said in one line of at most ${LIMITS.KEPT_BY_LENGTH} characters.`);
    if (!this.#upkeep.isScanned && !this.#order.has(sha256)) await this.#upkeep.scanned;
    this.#upkeep.changed();
    return this.#order.keep(sha256, by);
  }

  async readDocument(expected: Expected, limit: number): Promise<Proven | undefined> {
    const blob = await this.open(expected);
    try {
      return blob && prove(await blob.bytes(limit), expected);
    } catch (error) {
      // Changed or removed since it was opened: as if it had not been stored.
      if (isWrong(error) || error instanceof BlobGone) return undefined;
      throw error;
    }
  }

  async writeDocument(document: Proven): Promise<void> {
    const { sha256, digests } = mustBe(Proven, document);
    if (this.#order.has(sha256)) {
      this.#aliases.add(digests, sha256);
      return;
    }
    const bytes = lend(document.bytes);
    try {
      const stated = { length: bytes.byteLength, digests };
      const writer = await FillWriter.open(this.#storage, stated, bytes.byteLength);
      try {
        await writer.write(bytes);
        await writer.prove();
        await this.#publish(writer);
      } finally {
        await writer.discard();
      }
    } catch (error) {
      throw refusalOf(error, 'file');
    }
  }

  /** Proves every blob again from the storage; sets aside what fails. */
  verifyAll(progress?: (done: Verification) => void): Promise<Verification> {
    const setAside = (sha256: string, message: string) => this.#stored.setAside(sha256, message);
    return verifyBlobs({ storage: this.#storage, proofs: this.#proofs, setAside }, progress);
  }

  /** Ends downloads, writes the use record. */
  async close(): Promise<void> {
    await this.#fills.close();
    await this.#behind.settled();
    await this.#upkeep.close();
  }

  async #find(wanted: Wanted, download: OpenDownload, caller: Caller): Promise<Blob> {
    for (;;) {
      const before = this.#published;
      const filling = this.#fills.underway(wanted, caller);
      if (filling !== undefined) return filling;
      const there = await this.open(wanted.expected);
      if (there !== undefined) return there;
      if (before === this.#published) return this.#fills.join(wanted, download, caller);
    }
  }

  async #fill(wanted: Wanted, download: OpenDownload, waiting: Waiting): Promise<Blob> {
    const { expected, subject } = wanted;
    // What nobody stated the length of may not grow past what is kept at all.
    const limit = expected.length === undefined ? Math.min(wanted.limit, this.#maxBytes) : wanted.limit;
    try {
      const writer = await FillWriter.open(this.#storage, expected, limit);
      try {
        await downloadInto(writer, { ...wanted, limit }, download, waiting);
        const proof = await this.#publish(writer);
        await this.#fills.proved(proof.digests, async (other) => {
          const there = other === wanted ? undefined : await this.#stored.find(other.expected);
          return there && this.#blobOf(there);
        });
        return this.#blobOf(proof);
      } finally {
        await writer.discard();
      }
    } catch (error) {
      // Another program may fill the disk below our own limit: make room by as much as was wanted.
      if (this.#isOwner && error instanceof StorageError && error.kind === 'full') {
        const { limit: most, bytes } = this.#order.usage();
        const room = expected.length ?? Math.min(wanted.limit, LIMITS.ROOM_UNSTATED);
        await this.#evictor.run({ room: Math.max(0, most - bytes) + room });
      }
      throw refusalOf(error, subject);
    }
  }

  async #publish(writer: FillWriter): Promise<Proof> {
    const proof = await this.#stored.publish(writer);
    const { whole } = writer;
    if (whole !== undefined) this.#reader.remember(proof, whole);
    this.#published++;
    if (this.#isOwner) this.#evictor.run({ newest: proof.sha256 }).catch(this.#onTrouble);
    return proof;
  }

  #blobOf(proof: Proof): Blob {
    return makeBlob(proof.sha256, proof.size, this.#reader.of(proof));
  }
}
