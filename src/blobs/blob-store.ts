import { type Caller, internalCaller } from '../async/caller.ts';
import { createShares } from '../async/shares.ts';
import type { Statement } from '../bytes/digest.ts';
import { Expected } from '../bytes/expected.ts';
import { makeSighting } from '../bytes/first-sight.ts';
import { lend, mustBe } from '../bytes/proof.ts';
import { Proven, prove } from '../bytes/proven.ts';
import { createProver } from '../bytes/prover.ts';
import type { Blob } from '../ports/blob.ts';
import type { Blobs, Sighted, Unstated, Wanted } from '../ports/blobs.ts';
import type { BlobChange } from '../ports/peers.ts';
import type { OpenDownload } from '../ports/upstream.ts';
import { BlobGone } from './chunks.ts';
import type { Evicted } from './evict.ts';
import { FillWriter } from './fill-writer.ts';
import { Filler, type OnProved } from './filler.ts';
import { type Filling, Fills } from './fills.ts';
import * as LIMITS from './limits.ts';
import { Partials } from './partials.ts';
import { type BlobsOptions, type Content, createParts, digestsOf, type Parts } from './parts.ts';
import { SharedWork } from './peers/shared-work.ts';
import type { Pruner } from './pruning/pruner.ts';
import { isWrong, type Verification, verifyBlobs } from './scan.ts';
import { refusalOf, type StoredBlobs } from './stored-blobs.ts';
import { Tags } from './tags.ts';
import type { Usage, UsageOrder } from './usage-order.ts';

/** Files and documents over a storage: one download however many ask, every chunk checked as it leaves. */
export class BlobStore implements Blobs {
  readonly #parts: Parts;
  readonly #partials: Partials;
  readonly #filler: Filler;
  readonly #fills: Fills;

  constructor(options: BlobsOptions) {
    const { shares = createShares(), nowMs = Date.now } = options;
    this.#parts = createParts(options);
    const { storage, maxBytes, tidies, behind, onTrouble } = this.#parts;
    this.#partials = new Partials({ storage, maxBytes, nowMs, isStored: (stated) => this.isHeld(stated) });
    if (tidies) behind.add(this.#partials.tidy().catch(onTrouble));
    const onProved: OnProved = (proof, others) => this.#fills.proved(proof.digests, others);
    this.#filler = new Filler(this.#parts, this.#partials, onProved);
    this.#fills = new Fills({
      run: (wanted, download, waiting) =>
        this.#parts.vouched.once(wanted, this.#filler.fill(wanted, download, waiting)),
      gate: shares.fills,
      shared: new SharedWork(options, {
        stored: ({ expected }) => this.#look(expected, undefined),
        take: (wanted, bytes, waiting) => this.#parts.vouched.once(wanted, this.#filler.take(wanted, bytes, waiting)),
      }),
      maxOrphans: options.maxOrphans ?? LIMITS.MAX_ORPHANS,
      orphanStallMs: options.orphanStallMs ?? LIMITS.ORPHAN_STALL_MS,
      nowMs,
    });
  }

  /** Resolves when the scan at start has seen everything. */
  get scanned(): Promise<void> {
    return this.#parts.upkeep.scanned;
  }

  usage(): Usage & {
    readonly scanned: boolean;
    readonly fills: number;
    /** Of downloads that were given up. */
    readonly partials: { readonly count: number; readonly bytes: number };
    /** Removed by this process to make room, since its start. */
    readonly evicted: Evicted;
  } {
    return {
      ...this.#parts.order.usage(),
      scanned: this.#parts.upkeep.isScanned,
      fills: this.#fills.active,
      partials: this.#partials.usage(),
      evicted: this.#parts.evictor.evicted,
    };
  }

  /** Bytes counted for each index. */
  held(): ReadonlyMap<string, number> {
    return this.#parts.order.held();
  }

  get removals(): number {
    return this.#parts.order.removals;
  }

  /** The same blobs; what is fetched or written there is counted for the index. */
  of(index: string): Blobs {
    const { order } = this.#parts;
    return {
      stored: (expected) => this.stored(expected),
      isHeld: (stated) => this.isHeld(stated),
      get removals() {
        return order.removals;
      },
      open: (expected) => this.#open(expected, index),
      fetch: (wanted, download, caller) => this.fetch({ ...wanted, index }, download, caller),
      sight: (unstated, download, caller) => this.sight({ ...unstated, index }, download, caller),
      sync: (sha256) => this.sync(sha256),
      keep: (sha256, by) => this.keep(sha256, by),
      readDocument: (expected, limit) => this.#readDocument(expected, limit, index),
      writeDocument: (document) => this.#writeDocument(document, index),
    };
  }

  async stored(expected: Expected): Promise<boolean> {
    return this.isHeld(mustBe(Expected, expected));
  }

  async isHeld({ digests, length }: Statement): Promise<boolean> {
    const sha256 = await this.#parts.aliases.find(digests);
    const { order, storage, upkeep } = this.#parts;
    // What a scan of everything that is stored did not find need not be looked for.
    const lies = async (name: string) => (await storage.stat(name, length).catch(() => undefined)) !== undefined;
    return sha256 !== undefined && (order.has(sha256) || (!upkeep.isScanned && (await lies(sha256))));
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

  async #open(expected: Expected, index: string | undefined, caller?: Caller): Promise<Blob | undefined> {
    return this.#look(mustBe(Expected, expected), index, caller);
  }

  async #look(
    stated: Statement,
    index: string | undefined,
    caller: Caller = internalCaller(index ?? '', 'mirror', 'client'),
  ): Promise<Blob | undefined> {
    const proof = await this.#parts.stored.find(stated, caller);
    if (proof === undefined) return undefined;
    const { sha256, size } = proof;
    this.#parts.order.used(sha256, size, index);
    this.#parts.bulletin.add({ kind: 'used', sha256, size, index });
    this.#parts.upkeep.changed();
    return this.#parts.blobOf(proof);
  }

  async fetch(wanted: Wanted, download: OpenDownload, caller: Caller): Promise<Blob> {
    mustBe(Expected, wanted.expected);
    return this.#parts.vouched.once({}, this.#find(wanted, download, caller));
  }

  async sight({ length, ...unstated }: Unstated, download: OpenDownload, caller: Caller): Promise<Sighted> {
    const filling: Filling = { ...unstated, expected: { length, digests: new Map() }, sight: true };
    const blob = await this.#fills.join(filling, download, caller);
    return {
      sighting: makeSighting(blob.sha256, blob.size),
      read: (range, write, reader) => blob.send(range, write, reader),
    };
  }

  /**
   * Stores bytes under their own digest, where nothing lies there yet: nothing is believed by that. Throws Refusal `length` or `digest` where they are others, and `limit`
   * where there is no room.
   */
  async stage(content: Content, bytes: () => AsyncIterable<Uint8Array>, index: string): Promise<'stored' | 'there'> {
    const expected: Statement = { length: content.size, digests: digestsOf(content) };
    if ((await this.isHeld(expected)) && (await this.#parts.aliases.lead(expected.digests))) return 'there';
    try {
      const writing = { expected, limit: content.size, startProver: () => createProver(expected) };
      const writer = await FillWriter.open(await this.#parts.storage.begin(), writing);
      try {
        for await (const chunk of bytes()) await writer.write(chunk);
        await writer.prove();
        this.#filler.publish(await writer.commit(), index);
      } finally {
        await writer.discard();
      }
      return 'stored';
    } catch (error) {
      throw refusalOf(error, 'file');
    }
  }

  /** A content by its digest: that its bytes have it is all that is proved. Undefined where nothing lies there. */
  content({ sha256, size }: Partial<Content> & Pick<Content, 'sha256'>): Promise<Blob | undefined> {
    return this.#look({ length: size, digests: new Map([['sha256', sha256]]) }, undefined);
  }

  /** For a peer: a file that an index gave out a moment ago. Upstream is not asked. */
  async vouched(sha256: string): Promise<Blob | undefined> {
    return this.#parts.vouched.has(sha256) ? this.content({ sha256 }) : undefined;
  }

  sync(sha256: string): Promise<void> {
    return this.#parts.stored.sync(sha256);
  }

  /** What other processes stored or removed is counted. */
  rescan(): Promise<void> {
    return this.#parts.upkeep.rescan();
  }

  /** What is retained by now is spared, and what only was no longer. */
  retain(): Promise<void> {
    return this.#parts.upkeep.retain();
  }

  async keep(sha256: string, by: string | undefined): Promise<boolean> {
    if (by !== undefined && !(/^\P{Cc}+$/u.test(by) && by.length <= LIMITS.KEPT_BY_LENGTH))
      throw new RangeError(`Why a file is kept is said in one line of at most ${LIMITS.KEPT_BY_LENGTH} characters.`);
    if (!this.#parts.upkeep.isScanned && !this.#parts.order.has(sha256)) await this.#parts.upkeep.scanned;
    const isStored = this.#parts.order.keep(sha256, by);
    if (isStored) this.#parts.bulletin.add({ kind: 'kept', sha256, by });
    this.#parts.upkeep.kept();
    return isStored;
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
    if (this.#parts.order.has(sha256)) {
      this.#parts.aliases.add(digests, sha256);
      return;
    }
    const bytes = lend(document.bytes);
    try {
      const writer = await this.#parts.storage.begin();
      try {
        await writer.write(bytes, 0);
        const { version } = await writer.commit(sha256);
        this.#filler.publish({ sha256, size: bytes.byteLength, tags: Tags.of(bytes), digests, version }, index);
      } finally {
        await writer.discard();
      }
    } catch (error) {
      throw refusalOf(error, 'file');
    }
  }

  /** What another process did to the same blobs. */
  follow(changes: readonly BlobChange[]): void {
    for (const { kind, sha256 } of changes) if (kind === 'vouched') this.#parts.vouched.heard(sha256);
    this.#parts.stored.follow(changes);
  }

  /** For whoever reads all of it again: `names` of all that is stored, in no order; `setAside` what is not what its name says. */
  get reread(): Pick<UsageOrder, 'names'> & Pick<StoredBlobs, 'setAside'> {
    const { order, stored } = this.#parts;
    return { names: () => order.names(), setAside: (sha256, message) => stored.setAside(sha256, message) };
  }

  /** For whoever removes what nothing needs: all that is stored, and what removes it. */
  get pruning(): { readonly order: Pick<UsageOrder, 'entries' | 'sizeOf'>; readonly pruner: Pruner } {
    return this.#parts;
  }

  /** Drops a blob. Throws Refusal where it could not be removed. */
  forget(sha256: string): Promise<void> {
    return this.#parts.stored.forget(sha256).catch((error: unknown) => {
      throw refusalOf(error, 'file');
    });
  }

  /** Proves every blob again from the storage; changes nothing. */
  verifyAll(progress?: (done: Verification) => void): Promise<Verification> {
    return verifyBlobs(this.#parts, progress);
  }

  /** Ends downloads, writes the use record. */
  async close(): Promise<void> {
    await this.#fills.close();
    await this.#parts.behind.settled();
    await this.#parts.upkeep.close();
  }

  async #find(wanted: Wanted, download: OpenDownload, caller: Caller): Promise<Blob> {
    for (;;) {
      const { published } = this.#filler;
      const filling = this.#fills.underway(wanted, caller);
      if (filling !== undefined) return filling;
      const there = await this.#open(wanted.expected, wanted.index, caller);
      if (there !== undefined) return there;
      if (!this.#filler.mayHavePublished(wanted.expected, published)) return this.#fills.join(wanted, download, caller);
    }
  }
}
