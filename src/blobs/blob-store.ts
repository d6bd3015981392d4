import { type Background, createBackground } from '../async/background.ts';
import { type Caller, internalCaller } from '../async/caller.ts';
import { createGate } from '../async/gate.ts';
import { type CommonShares, createShares } from '../async/shares.ts';
import { Expected } from '../bytes/expected.ts';
import { lend, mustBe } from '../bytes/proof.ts';
import { Proven, prove } from '../bytes/proven.ts';
import { Refusal } from '../bytes/refusal.ts';
import { type Blob, makeBlob } from '../ports/blob.ts';
import { type BlobStorage, StorageError, type UsageRecord } from '../ports/blob-storage.ts';
import type { Blobs, Wanted } from '../ports/blobs.ts';
import type { Lease } from '../ports/lease.ts';
import type { OpenDownload } from '../ports/upstream.ts';
import { Aliases } from './aliases.ts';
import { shareOut } from './budgets.ts';
import { ChunkBuffers } from './chunk-buffers.ts';
import { BlobGone } from './chunks.ts';
import { download as downloadInto, type Waiting } from './download.ts';
import { Evictor } from './evict.ts';
import { Fills } from './fills.ts';
import * as LIMITS from './limits.ts';
import { OwnLease } from './own-lease.ts';
import { Partials } from './partials.ts';
import { type Proof, Proofs } from './proofs.ts';
import { BlobReader } from './reader.ts';
import { isWrong, type Verification, verifyBlobs } from './scan.ts';
import { refusalOf, StoredBlobs } from './stored-blobs.ts';
import { Tags } from './tags.ts';
import type { LeaseTimes } from './under-lease.ts';
import { Upkeep } from './upkeep.ts';
import { type Usage, UsageOrder } from './usage-order.ts';

export interface BlobsOptions {
  readonly storage: BlobStorage;
  readonly record: UsageRecord;
  readonly maxBytes?: number | undefined;
  /** Indexes that share the limit, each with the most it may hold of it, where it has such a limit of its own. */
  readonly indexes?: ReadonlyMap<string, number | undefined> | undefined;
  /** False for a command beside the server on the same storage: nothing is evicted, swept or recorded by it. */
  readonly upkeep?: boolean | undefined;
  /** Where downloads and readers queue; others may queue there too. */
  readonly shares?: Pick<CommonShares, 'chunks' | 'fills' | 'proofs'> | undefined;
  /** Who downloads where others could, too; within this process unless given. */
  readonly lease?: Lease | undefined;
  readonly leaseTimes?: Partial<LeaseTimes> | undefined;
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
  readonly #partials: Partials;
  readonly #behind: Background = createBackground();
  /** Counts publications, so that a look that overlapped one is taken again. */
  #published = 0;

  constructor(options: BlobsOptions) {
    const { storage, record, onTrouble = () => undefined, onCorrupt = () => undefined } = options;
    this.#storage = storage;
    this.#maxBytes = options.maxBytes ?? LIMITS.MAX_BYTES;
    this.#isOwner = options.upkeep ?? true;
    this.#onTrouble = onTrouble;
    this.#order = new UsageOrder({
      maxBytes: this.#maxBytes,
      probationShare: LIMITS.PROBATION_SHARE,
      budgets: options.indexes && shareOut(this.#maxBytes, options.indexes),
    });
    this.#aliases = new Aliases(storage, { most: LIMITS.ALIASES_IN_MEMORY, behind: this.#behind, onTrouble });
    const { chunks, fills, proofs } = options.shares ?? createShares();
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
    this.#proofs = new Proofs({ storage, buffers: ownBuffers, memory: LIMITS.RECORD_BYTES, gate: proofs });
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
    const nowMs = options.nowMs ?? Date.now;
    this.#partials = new Partials({
      storage,
      maxBytes: this.#maxBytes,
      nowMs,
      isStored: (expected) => this.stored(expected),
    });
    if (this.#isOwner) this.#behind.add(this.#partials.tidy().catch(onTrouble));
    this.#fills = new Fills({
      run: (wanted, download, waiting) => this.#fill(wanted, download, waiting),
      stored: ({ expected }) => this.open(expected),
      gate: fills,
      lease: options.lease ?? new OwnLease(),
      leaseTimes: { ...LIMITS.LEASE_TIMES, ...options.leaseTimes },
      maxOrphans: options.maxOrphans ?? LIMITS.MAX_ORPHANS,
      orphanStallMs: options.orphanStallMs ?? LIMITS.ORPHAN_STALL_MS,
      nowMs,
    });
  }

  /** Resolves when the scan at start has seen everything. */
  get scanned(): Promise<void> {
    return this.#upkeep.scanned;
  }

  usage(): Usage & {
    readonly scanned: boolean;
    readonly fills: number;
    /** Of downloads that were given up. */
    readonly partials: { readonly count: number; readonly bytes: number };
  } {
    return {
      ...this.#order.usage(),
      scanned: this.#upkeep.isScanned,
      fills: this.#fills.active,
      partials: this.#partials.usage(),
    };
  }

  /** Bytes counted for each index. */
  held(): ReadonlyMap<string, number> {
    return this.#order.held();
  }

  /** The same blobs; what is fetched or written there is counted for the index. */
  of(index: string): Blobs {
    return {
      stored: (expected) => this.stored(expected),
      open: (expected) => this.#open(expected, index),
      fetch: (wanted, download, caller) => this.fetch({ ...wanted, index }, download, caller),
      keep: (sha256, by) => this.keep(sha256, by),
      readDocument: (expected, limit) => this.#readDocument(expected, limit, index),
      writeDocument: (document) => this.#writeDocument(document, index),
    };
  }

  async stored(expected: Expected): Promise<boolean> {
    const sha256 = await this.#aliases.find(mustBe(Expected, expected).digests);
    if (sha256 === undefined) return false;
    if (this.#order.has(sha256)) return true;
    if (this.#upkeep.isScanned) return false;
    return (await this.#storage.stat(sha256, expected.length).catch(() => undefined)) !== undefined;
  }

  open(expected: Expected): Promise<Blob | undefined> {
    return this.#open(expected, undefined);
  }

  readDocument(expected: Expected, limit: number): Promise<Proven | undefined> {
    return this.#readDocument(expected, limit, undefined);
  }

  writeDocument(document: Proven): Promise<void> {
    return this.#writeDocument(document, undefined);
  }

  async #open(
    expected: Expected,
    index: string | undefined,
    caller: Caller = internalCaller(index ?? '', 'mirror', 'client'),
  ): Promise<Blob | undefined> {
    const proof = await this.#stored.find(mustBe(Expected, expected), caller);
    if (proof === undefined) return undefined;
    this.#order.used(proof.sha256, proof.size, index);
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

  async #readDocument(expected: Expected, limit: number, index: string | undefined): Promise<Proven | undefined> {
    const blob = await this.#open(expected, index);
    try {
      return blob && prove(await blob.bytes(limit), expected);
    } catch (error) {
      // Changed or removed since it was opened: as if it had not been stored.
      if (isWrong(error) || error instanceof BlobGone) return undefined;
      throw error;
    }
  }

  async #writeDocument(document: Proven, index: string | undefined): Promise<void> {
    const { sha256, digests } = mustBe(Proven, document);
    if (this.#order.has(sha256)) {
      this.#aliases.add(digests, sha256);
      return;
    }
    const bytes = lend(document.bytes);
    try {
      const writer = await this.#storage.begin();
      try {
        await writer.write(bytes, 0);
        const { version } = await writer.commit(sha256);
        this.#publish({ sha256, size: bytes.byteLength, tags: Tags.of(bytes), digests, version }, index);
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
      const there = await this.#open(wanted.expected, wanted.index, caller);
      if (there !== undefined) return there;
      if (before === this.#published) return this.#fills.join(wanted, download, caller);
    }
  }

  async #fill(wanted: Wanted, download: OpenDownload, waiting: Waiting): Promise<Blob> {
    const { expected, subject } = wanted;
    // What nobody stated the length of may not grow past what is kept at all.
    const limit = expected.length === undefined ? Math.min(wanted.limit, this.#maxBytes) : wanted.limit;
    const bounded = { ...wanted, limit };
    try {
      return await this.#partials.writing(bounded, waiting.caller.signal, async (writer) => {
        await downloadInto(writer, bounded, download, waiting);
        const proof = await writer.commit();
        this.#publish(proof, wanted.index);
        const { whole } = writer;
        if (whole !== undefined) this.#reader.remember(proof, whole);
        await this.#fills.proved(proof.digests, async (other) => {
          const there = other === wanted ? undefined : await this.#stored.find(other.expected, waiting.caller);
          return there && this.#blobOf(there);
        });
        return this.#blobOf(proof);
      });
    } catch (error) {
      if (this.#isOwner && error instanceof StorageError && error.kind === 'full') await this.#makeRoom(bounded);
      else if (this.#isOwner) this.#behind.add(this.#partials.tidy().catch(this.#onTrouble));
      throw refusalOf(limit < wanted.limit ? aboutCache(error, limit) : error, subject);
    }
  }

  /** Another program may fill the disk below our own limit: make room by as much as was wanted. */
  async #makeRoom({ expected, limit }: Wanted): Promise<void> {
    await this.#partials.removeAll();
    const { limit: most, bytes } = this.#order.usage();
    const room = expected.length ?? Math.min(limit, LIMITS.ROOM_UNSTATED);
    await this.#evictor.run({ room: Math.max(0, most - bytes) + room });
  }

  #publish(proof: Proof, index: string | undefined): void {
    this.#stored.publish(proof, index);
    this.#published++;
    if (this.#isOwner) this.#evictor.run({ newest: proof.sha256 }).catch(this.#onTrouble);
  }

  #blobOf(proof: Proof): Blob {
    return makeBlob(proof.sha256, proof.size, this.#reader.of(proof));
  }
}

/** A body that is refused for its size names the setting where that is what it met. */
function aboutCache(error: unknown, maxBytes: number): unknown {
  if (!(error instanceof Refusal) || error.reason !== 'limit' || error.transient) return error;
  const message = `${error.message} The whole cache has ${maxBytes} (cache.max_bytes).`;
  return new Refusal('limit', message, { subject: error.subject, cause: error });
}
