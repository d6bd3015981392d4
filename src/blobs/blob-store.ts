import { existsSync } from 'node:fs';
import { internalCaller } from '../async/caller.ts';
import { createGate } from '../async/gate.ts';
import { type CommonShares, createShares } from '../async/shares.ts';
import { type Blob, makeBlob } from '../bytes/blob.ts';
import { Expected } from '../bytes/expected.ts';
import { lend, mustBe } from '../bytes/proof.ts';
import { Proven, prove } from '../bytes/proven.ts';
import { Refusal } from '../bytes/refusal.ts';
import { createAliases } from '../disk/aliases.ts';
import { blobPaths } from '../disk/blob-paths.ts';
import { createQuarantine } from '../disk/quarantine.ts';
import { isDamage, isFull, isMissing, storageRefusal } from '../disk/storage-errors.ts';
import type { Volume } from '../disk/volume.ts';
import type { Blobs } from '../ports/blobs.ts';
import { createChunkBuffers } from './chunk-buffers.ts';
import { diskErrorOf, download as downloadInto } from './download.ts';
import { createEvictor } from './evict.ts';
import { openSpool } from './fill-writer.ts';
import { createFills } from './fills.ts';
import {
  HASHING,
  IDLE_BUFFERS,
  MAX_BYTES,
  OWN_BUFFERS,
  OWN_IDLE_BUFFERS,
  OWN_QUEUE,
  OWN_WAIT_MS,
  PROBATION_SHARE,
  RECORD_BYTES,
  RECORD_EVERY_MS,
  RESCAN_EVERY_MS,
  ROOM_UNSTATED,
} from './limits.ts';
import { createFirstTouch, type Proof } from './proofs.ts';
import { createReader } from './reader.ts';
import { saveUse, scanBlobs, sweepAliases } from './scan.ts';
import { createShelf, type Usage } from './usage-order.ts';
import { type Verification, verifyBlobs } from './verify.ts';

export interface BlobsOptions {
  readonly volume: Volume;
  readonly maxBytes?: number | undefined;
  /** False for a command beside the server on the same directory: nothing is evicted, swept or recorded by it. */
  readonly upkeep?: boolean | undefined;
  /** Where downloads and readers queue; others may queue there too. */
  readonly shares?: Pick<CommonShares, 'chunks' | 'fills'> | undefined;
  /** A stored file was found changed and was set aside. Must not throw. */
  readonly onCorrupt?: ((event: { readonly sha256: string; readonly message: string }) => void) | undefined;
  /** Upkeep failed (scan, use record, eviction); requests go on. Must not throw. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
  /** Milliseconds, only for back-off and names of evidence. */
  readonly nowMs?: (() => number) | undefined;
}

export interface BlobStore extends Blobs {
  usage(): Usage & { readonly scanned: boolean; readonly fills: number };
  /** Proves every blob again from disk; sets aside what fails. */
  verifyAll(progress?: (done: Verification) => void): Promise<Verification>;
  /** Resolves when the scan at start has seen everything. */
  readonly scanned: Promise<void>;
  /** Ends downloads, writes the use record. */
  close(): Promise<void>;
}

const TOO_MANY_READ = 'Too many stored files are being proved at this moment. Try again in a moment.';

/** The blob store of a data directory (DESIGN J2): one download however many ask, every chunk checked as it leaves. */
export async function createBlobs(options: BlobsOptions): Promise<BlobStore> {
  const { durable, ops, root } = options.volume;
  const nowMs = options.nowMs ?? Date.now;
  const upkeep = options.upkeep ?? true;
  const paths = blobPaths(root);
  await durable.directory(paths.blobs);
  const { chunks, fills: fillGate } = options.shares ?? createShares();
  const buffers = createChunkBuffers(chunks, IDLE_BUFFERS);
  const ownBuffers = createChunkBuffers(
    createGate({ places: OWN_BUFFERS, queue: OWN_QUEUE, longestWait: OWN_WAIT_MS, full: TOO_MANY_READ }),
    OWN_IDLE_BUFFERS,
  );
  const touch = createFirstTouch({ ops, buffers: ownBuffers }, { memory: RECORD_BYTES, hashing: HASHING });
  const maxBytes = options.maxBytes ?? MAX_BYTES;
  const shelf = createShelf(maxBytes, PROBATION_SHARE);
  const aliases = createAliases(durable, paths);
  const quarantine = createQuarantine(durable, paths.quarantine, nowMs);
  let closed = false;
  let unsaved = false;
  /** Counts publications, so that a look that overlapped one is taken again. */
  let published = 0;

  const gone = (sha256: string) => {
    touch.forget(sha256);
    shelf.removed(sha256);
    unsaved = true;
  };
  const setAside = async (sha256: string, message: string) => {
    gone(sha256);
    await quarantine.take(paths.blob(sha256), sha256);
    options.onCorrupt?.({ sha256, message });
  };
  /** What a failed read of a blob means for it; returns what to tell the reader. */
  const afterFailedRead = async (sha256: string, error: unknown): Promise<unknown> => {
    if (isMissing(error)) gone(sha256);
    else if (isDamage(error) || (error instanceof Refusal && error.reason === 'digest'))
      await setAside(sha256, error instanceof Error ? error.message : 'unreadable');
    return error instanceof Error && 'code' in error ? storageRefusal(error, 'file') : error;
  };

  const reader = createReader({ ops, buffers, ownBuffers, paths, afterFailedRead });
  const evictor = createEvictor({ ops, paths, shelf, isSending: reader.isSending, forget: touch.forget });
  const blobOf = (proof: Proof): Blob => makeBlob(proof.sha256, proof.size, reader.of(proof));

  /** The proof of what is held, without counting it as a use. */
  const proofOf = async (expected: Expected): Promise<Proof | undefined> => {
    const sha256 = expected.digests.get('sha256') ?? (await aliases.find(expected.digests));
    if (sha256 === undefined) return undefined;
    const path = paths.blob(sha256);
    try {
      const facts = await ops.facts(path);
      if (facts === undefined) {
        if (shelf.has(sha256)) gone(sha256);
        return undefined;
      }
      const proof = await touch.prove(path, sha256, expected.digests);
      if (proof === undefined || (expected.length !== undefined && expected.length !== proof.size)) return undefined;
      // Shorter, longer or another kind of thing since it was proved: found before any header is sent.
      if (facts.kind !== 'file' || facts.size !== proof.size) {
        await setAside(sha256, 'Its size or kind was changed on disk.');
        return undefined;
      }
      return proof;
    } catch (error) {
      const refusal = await afterFailedRead(sha256, error);
      if (isMissing(error) || isDamage(error) || (error instanceof Refusal && error.reason === 'digest'))
        return undefined;
      throw refusal;
    }
  };

  const open = async (expected: Expected): Promise<Blob | undefined> => {
    const proof = await proofOf(mustBe(Expected, expected));
    if (proof === undefined) return undefined;
    shelf.used(proof.sha256, proof.size);
    unsaved = true;
    return blobOf(proof);
  };

  const hold = async (proof: Proof): Promise<void> => {
    touch.remember(proof);
    shelf.added(proof.sha256, proof.size);
    unsaved = true;
    published++;
    await aliases.add(proof.digests, proof.sha256);
    if (upkeep) evictor.run({ newest: proof.sha256 }).catch((error: unknown) => options.onTrouble?.(error));
  };

  const fills = createFills(
    async (want, download, caller) => {
      // What nobody stated the length of may not grow past what is kept at all.
      const limit = want.expected.length === undefined ? Math.min(want.limit, maxBytes) : want.limit;
      try {
        const spool = await openSpool(durable, want.expected, limit);
        try {
          const proof = await downloadInto(spool, { ...want, limit }, download, caller);
          await spool.commit(paths.blob(proof.sha256));
          await hold(proof);
          await fills.proved(proof.digests, async (other) => {
            const held = other === want ? undefined : await proofOf(other.expected);
            return held && blobOf(held);
          });
          return blobOf(proof);
        } finally {
          await spool.discard();
        }
      } catch (error) {
        const disk = diskErrorOf(error) ?? (error instanceof Error && 'code' in error ? error : undefined);
        if (disk === undefined) throw error;
        // Another program may fill the disk below our own limit: make room by as much as was wanted.
        if (upkeep && isFull(disk))
          await evictor.run({
            room:
              Math.max(0, shelf.usage().limit - shelf.usage().bytes) +
              (want.expected.length ?? Math.min(want.limit, ROOM_UNSTATED)),
          });
        throw storageRefusal(disk, want.subject);
      }
    },
    {
      gate: fillGate,
      nowMs,
    },
  );

  /** One write. Its durability is the store's own matter: whoever must be sure of it waits for the promise. */
  const writeDocument = async (document: Proven): Promise<void> => {
    const { sha256, digests } = mustBe(Proven, document);
    const bytes = lend(document.bytes);
    try {
      const spool = await openSpool(durable, { length: bytes.byteLength, digests }, bytes.byteLength);
      try {
        await spool.write(bytes);
        const proof = await spool.prove();
        await spool.commit(paths.blob(sha256));
        await hold(proof);
      } finally {
        await spool.discard();
      }
    } catch (error) {
      throw error instanceof Error && 'code' in error ? storageRefusal(error, 'file') : error;
    }
  };

  let isScanned = false;
  const scan = async () => {
    try {
      isScanned = (await scanBlobs(ops, paths, shelf, () => closed)) || isScanned;
      if (!upkeep) return;
      await sweepAliases(ops, paths, shelf, () => closed);
      await evictor.run();
    } catch (error) {
      // What is there is still found when it is asked for; only its size and order are not known.
      options.onTrouble?.(error);
    }
  };
  let scanning = scan();
  const scanned = scanning;
  const save = async () => {
    // Until a scan is through, the record on disk knows more than we do.
    if (!upkeep || !unsaved || !isScanned) return;
    unsaved = false;
    await saveUse(durable, paths, shelf);
  };
  const timers = !upkeep
    ? []
    : [
        setInterval(() => save().catch((error: unknown) => options.onTrouble?.(error)), RECORD_EVERY_MS),
        setInterval(() => {
          scanning = scanning.then(scan);
        }, RESCAN_EVERY_MS),
      ];
  for (const timer of timers) timer.unref();

  return {
    open,
    async stored(expected) {
      const sha256 = expected.digests.get('sha256') ?? (await aliases.find(expected.digests));
      if (sha256 === undefined) return false;
      return shelf.has(sha256) || (!isScanned && (await ops.facts(paths.blob(sha256))) !== undefined);
    },
    async fetch(want, download, caller = internalCaller('')) {
      for (;;) {
        mustBe(Expected, want.expected);
        const before = published;
        const filling = fills.underway(want, caller);
        if (filling !== undefined) return filling;
        const held = await open(want.expected);
        if (held !== undefined) return held;
        if (before === published) return fills.join(want, download, caller);
      }
    },
    holds(expected) {
      const sha256 = expected.digests.get('sha256') ?? aliases.peek(expected.digests);
      if (sha256 === undefined) return false;
      return shelf.has(sha256) || (!isScanned && existsSync(paths.blob(sha256)));
    },
    usage: () => ({ ...shelf.usage(), scanned: isScanned, fills: fills.active() }),
    async keep(sha256, by) {
      unsaved = true;
      return shelf.keep(sha256, by !== undefined);
    },
    async readDocument(expected, limit) {
      const blob = await open(expected);
      return blob && prove(await blob.bytes(limit), expected);
    },
    writeDocument,
    verifyAll: (progress) => verifyBlobs({ ops, paths, touch, setAside }, progress),
    scanned,
    async close() {
      closed = true;
      for (const timer of timers) clearInterval(timer);
      await fills.close();
      await scanning;
      await save().catch((error: unknown) => options.onTrouble?.(error));
    },
  };
}
