import { hostname } from 'node:os';
import { sha256Hex } from '../../bytes/digest.ts';
import type { Config } from '../../config/config.ts';
import { createUsageRecord, type DiskBlobs } from '../../disk/blob-storage.ts';
import type { Volume } from '../../disk/volume.ts';
import type { BlobStorage, SharedEviction, UsageRecord } from '../../ports/blob-storage.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { Emit } from '../../ports/events.ts';
import type { Lease } from '../../ports/lease.ts';
import type { Abilities } from '../../s3/abilities.ts';
import { addressText, readS3Address } from '../../s3/address.ts';
import { S3BlobStorage } from '../../s3/blob-storage.ts';
import { S3Client } from '../../s3/client.ts';
import { type Leader, LeaderByLease, LeaderByTerms } from '../../s3/leader.ts';
import { type BucketCounts, BucketMeter } from '../../s3/meter.ts';
import { S3ObjectStore } from '../../s3/object-store.ts';
import { SharedUse } from '../../s3/shared-use.ts';
import type { TierUsage } from '../../s3/tier.ts';
import { Trial } from '../../s3/trial.ts';
import { abilitiesText, bucketConditions } from './conditions.ts';
import { bucketKeys } from './keys.ts';
import { type WorkerPlace, waitingOf } from './waiting.ts';

/** Milliseconds between two records of what a process used that does not record the order of use. */
const TOLD_EVERY_MS = 5 * 60_000;

/** Where files are kept. */
export interface FilePlace {
  readonly storage: BlobStorage;
  readonly record: UsageRecord;
  /** Of all that is kept, wherever. */
  readonly maxBytes: number;
  readonly shared: SharedEviction | undefined;
  /** Of the bucket, where there is one. */
  readonly bucket: BucketReport | undefined;
  /** Resolves when it is known what the bucket can do, or was waited for long enough. Never rejects. */
  ready(): Promise<void>;
  /** Lets uploads under way end; the disk stays open. */
  close(): Promise<void>;
}

export interface BucketReport {
  /** Where it is, for people. */
  readonly place: string;
  /** How this machine stands before it. */
  usage(): TierUsage;
  counts(): BucketCounts;
  conditions(): readonly Condition[];
  /** For a command: resolves when it is known who may remove files, or was waited for long enough. Never rejects. */
  findOut(): Promise<void>;
  /** Where clients are sent for a large file, where the configuration has them sent. */
  readonly elsewhere:
    | ((blob: { readonly sha256: string; readonly size: number }) => Promise<string | undefined>)
    | undefined;
}

interface FilePlaceOptions {
  readonly config: Config;
  readonly volume: Volume;
  /** What this machine's disk holds. */
  readonly disk: DiskBlobs;
  /** False for a command beside the server. */
  readonly upkeep: boolean;
  readonly emit: Emit;
  /** Which of the processes on this directory it is. */
  readonly worker: WorkerPlace;
  /** Who evicts a bucket that cannot say so itself. */
  readonly leaseOver?: ((place: string) => Lease) | undefined;
}

/** The disk alone, or a bucket behind it. Throws Refusal `format` for an address that is none, `state` where there are no keys of it. */
export function filePlace({ config, volume, disk, upkeep, emit, worker, leaseOver }: FilePlaceOptions): FilePlace {
  const record = createUsageRecord(volume);
  const { maxBytes: tierBytes } = config.cache;
  const { blobs } = config;
  if (blobs === undefined)
    return {
      storage: disk,
      record,
      maxBytes: tierBytes,
      shared: undefined,
      bucket: undefined,
      ready: async () => undefined,
      close: async () => undefined,
    };
  const { redirectFrom } = blobs;
  const address = readS3Address(blobs.store);
  const meter = new BucketMeter();
  const client = new S3Client({ address, credentials: bucketKeys(blobs, address), meter });
  const onTrouble = (error: unknown) => emit({ name: 'faulted', at: 'store', error });
  const waiting = waitingOf(volume, worker);
  const storage = new S3BlobStorage({
    client,
    tier: disk,
    tierBytes,
    waiting,
    isOwner: upkeep,
    leads: worker.number === 1,
    onTrouble,
  });
  const place = addressText(address);
  const store = new S3ObjectStore(client);
  const machine = sha256Hex(Buffer.from(`${hostname()} ${volume.root}`)).slice(0, 32);
  // Each process has a record of its own, which the others read.
  const replica = worker.number === 1 ? machine : `${machine}-${worker.number}`;
  const onFound = (abilities: Abilities) =>
    emit({ name: 'noted', index: '', message: abilitiesText(place, abilities) });
  const trial = new Trial({ client, onFound, onTrouble });
  const leader = leaderOf(trial, new LeaderByTerms({ store, replica }), leaseOver?.(place));
  const shared = new SharedUse({ storage, store, replica, leader, onTrouble });
  // The first process tells what is kept with the order of use, which it alone records.
  const telling =
    upkeep && worker.number > 1 ? setInterval(() => void shared.tellUse(), TOLD_EVERY_MS).unref() : undefined;
  return {
    storage,
    record: shared.told(record),
    maxBytes: blobs.maxBytes,
    shared,
    bucket: {
      place,
      usage: () => storage.usage(),
      counts: () => meter.counts(),
      conditions: () =>
        bucketConditions({ place, usage: storage.usage(), abilities: trial.found, hasLease: leaseOver !== undefined }),
      findOut: () => trial.start(),
      elsewhere:
        redirectFrom === undefined
          ? undefined
          : async ({ sha256, size }) => (size < redirectFrom ? undefined : storage.elsewhere(sha256, size)),
    },
    ready: async () => (upkeep ? trial.start() : undefined),
    async close() {
      trial.close();
      clearInterval(telling);
      if (telling !== undefined) await shared.tellUse();
      await storage.close();
      client.close();
    },
  };
}

/** The bucket itself says who evicts where it was seen to tell racers apart; else a lease that replicas share; else nobody does. */
function leaderOf(trial: Trial, byTerms: Leader, lease: Lease | undefined): () => Leader | undefined {
  const byLease = lease && new LeaderByLease(lease);
  return () => {
    const { conditional } = trial.found ?? {};
    // Until it is known nobody leads: two replicas that ask differently would both.
    if (trial.found === undefined) return undefined;
    return conditional?.sound === true ? byTerms : byLease;
  };
}
