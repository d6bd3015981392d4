import { type Background, createBackground } from '../async/background.ts';
import { createGate } from '../async/gate.ts';
import { type CommonShares, createShares } from '../async/shares.ts';
import type { Digests } from '../bytes/digest.ts';
import { type Blob, makeBlob } from '../ports/blob.ts';
import type { BlobStorage, SharedEviction, UsageRecord } from '../ports/blob-storage.ts';
import type { Lease } from '../ports/lease.ts';
import type { PeerFiles, Peers } from '../ports/peers.ts';
import { Aliases } from './aliases.ts';
import { shareOut } from './budgets.ts';
import { ChunkBuffers } from './chunk-buffers.ts';
import { Evictor } from './evict.ts';
import * as LIMITS from './limits.ts';
import { Bulletin } from './peers/bulletin.ts';
import { Vouched } from './peers/vouched.ts';
import { type Proof, Proofs } from './proofs.ts';
import { Pruner } from './pruning/pruner.ts';
import { BlobReader } from './reader.ts';
import { StoredBlobs } from './stored-blobs.ts';
import type { LeaseTimes } from './under-lease.ts';
import { type Retained, Upkeep } from './upkeep.ts';
import { UsageOrder } from './usage-order.ts';

/** What bytes are called by their own digest. */
export interface Content {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Digests of other kinds, by which it is asked for as well. */
  readonly also?: Digests | undefined;
}

export function digestsOf({ sha256, also = new Map() }: Content): Digests {
  return new Map([['sha256', sha256], ...also]);
}

export interface BlobsOptions {
  readonly storage: BlobStorage;
  readonly record: UsageRecord;
  readonly maxBytes?: number | undefined;
  /** Of this machine's disk, where the storage is larger than that: what is begun lies there. */
  readonly diskBytes?: number | undefined;
  /** Where machines share the storage. */
  readonly shared?: SharedEviction | undefined;
  /** Indexes that share the limit, each with the most it may hold of it, where it has such a limit of its own. */
  readonly indexes?: ReadonlyMap<string, number | undefined> | undefined;
  /** False for a command beside the server on the same storage: nothing is evicted, swept or recorded by it. */
  readonly upkeep?: boolean | undefined;
  /** Where downloads and readers queue; others may queue there too. */
  readonly shares?: Pick<CommonShares, 'chunks' | 'fills' | 'proofs'> | undefined;
  /** Who downloads where others could, too; within this process unless given. */
  readonly lease?: Lease | undefined;
  /** The processes that have the same storage, where there are several. */
  readonly peers?: Peers | undefined;
  /** Replicas that may hold a file on disks of their own. */
  readonly peerFiles?: PeerFiles | undefined;
  /** They have files from this server, whichever of its processes they ask. */
  readonly hasReplicas?: boolean | undefined;
  readonly leaseTimes?: Partial<LeaseTimes> | undefined;
  readonly maxOrphans?: number | undefined;
  readonly orphanStallMs?: number | undefined;
  /** Bytes of small blobs that are read from the memory they were proved in, 0 for none. */
  readonly freshBytes?: number | undefined;
  /** The digests of all that is spared from eviction for the mirror's own reasons; asked for at each scan. Must not throw. */
  readonly retained?: Retained | undefined;
  /** A stored file was found changed and was set aside. Must not throw. */
  readonly onCorrupt?: ((event: { readonly sha256: string; readonly message: string }) => void) | undefined;
  /** Work behind the requests failed (scan, use record, eviction, sync); requests go on. Must not throw. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
  /** Milliseconds, for back-off. */
  readonly nowMs?: (() => number) | undefined;
}

/** What a store is made of: what is stored, in which order it was used, and how it is read. */
export interface Parts {
  readonly storage: BlobStorage;
  readonly maxBytes: number;
  /** False for a command beside the server. */
  readonly isOwner: boolean;
  /** Of several processes one tidies for all. */
  readonly tidies: boolean;
  readonly bulletin: Bulletin;
  /** What peers may have. */
  readonly vouched: Vouched;
  readonly order: UsageOrder;
  readonly proofs: Proofs;
  readonly aliases: Aliases;
  readonly stored: StoredBlobs;
  readonly reader: BlobReader;
  readonly evictor: Evictor;
  readonly pruner: Pruner;
  readonly upkeep: Upkeep;
  readonly behind: Background;
  readonly onTrouble: (error: unknown) => void;
  blobOf(proof: Proof): Blob;
}

/** Puts them together, and begins the scan. */
export function createParts(options: BlobsOptions): Parts {
  const { storage, record, onTrouble = () => undefined, onCorrupt = () => undefined } = options;
  const { chunks, proofs: gate } = options.shares ?? createShares();
  const maxBytes = options.maxBytes ?? LIMITS.MAX_BYTES;
  const isOwner = options.upkeep ?? true;
  const tidies = isOwner && (options.peers?.leads ?? true);
  const bulletin = new Bulletin(options.peers);
  const behind = createBackground();
  const order = new UsageOrder({
    maxBytes,
    probationShare: LIMITS.PROBATION_SHARE,
    budgets: options.indexes && shareOut(maxBytes, options.indexes),
  });
  const aliases = new Aliases(storage, { most: LIMITS.ALIASES_IN_MEMORY, behind, onTrouble });
  const ownBuffers = createOwnBuffers();
  const proofs = new Proofs({ storage, buffers: ownBuffers, memory: LIMITS.RECORD_BYTES, gate });
  const onChange = () => upkeep.changed();
  const onKept = () => upkeep.kept();
  const stored = new StoredBlobs({
    storage,
    order,
    proofs,
    aliases,
    behind,
    bulletin,
    onChange,
    onKept,
    onCorrupt,
    onTrouble,
  });
  const reader = new BlobReader({
    storage,
    buffers: new ChunkBuffers(chunks, LIMITS.IDLE_BUFFERS),
    ownBuffers,
    freshBytes: options.freshBytes ?? LIMITS.FRESH_BYTES,
    afterFailedRead: (sha256, error) => stored.afterFailedRead(sha256, error),
  });
  const removing = {
    storage,
    order,
    isSending: (sha256: string) => reader.isSending(sha256),
    forget: (sha256: string) => proofs.forget(sha256),
    bulletin,
    shared: options.shared,
  };
  const evictor = new Evictor(removing);
  const { retained } = options;
  const upkeep = new Upkeep({ storage, record, order, aliases, evictor, bulletin, retained, onTrouble }, tidies);
  const blobOf = (proof: Proof) => makeBlob(proof.sha256, proof.size, reader.of(proof));
  return {
    storage,
    maxBytes: options.diskBytes ?? maxBytes,
    isOwner,
    tidies,
    bulletin,
    vouched: new Vouched(options.nowMs ?? Date.now, (sha256) => {
      if (options.hasReplicas === true) bulletin.add({ kind: 'vouched', sha256 });
    }),
    order,
    proofs,
    aliases,
    stored,
    reader,
    evictor,
    pruner: new Pruner(removing),
    upkeep,
    behind,
    onTrouble,
    blobOf,
  };
}

/** For what the store itself reads: no client's reading waits for it. */
function createOwnBuffers(): ChunkBuffers {
  const gate = createGate({
    places: LIMITS.OWN_BUFFERS,
    queue: LIMITS.OWN_QUEUE,
    longestWait: LIMITS.OWN_WAIT_MS,
    full: 'Too many stored files are being proved at this moment. Try again in a moment.',
  });
  return new ChunkBuffers(gate, LIMITS.OWN_IDLE_BUFFERS);
}
