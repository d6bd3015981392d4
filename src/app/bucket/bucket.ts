import { hostname } from 'node:os';
import { sha256Hex } from '../../bytes/digest.ts';
import type { Config } from '../../config/config.ts';
import { createUsageRecord, createWaitingRecord, type DiskBlobs } from '../../disk/blob-storage.ts';
import type { Volume } from '../../disk/volume.ts';
import type { BlobStorage, SharedEviction, UsageRecord } from '../../ports/blob-storage.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { Emit } from '../../ports/events.ts';
import type { Lease } from '../../ports/lease.ts';
import { addressText, readS3Address } from '../../s3/address.ts';
import { S3BlobStorage, type TierUsage } from '../../s3/blob-storage.ts';
import { S3Client } from '../../s3/client.ts';
import { type BucketCounts, BucketMeter } from '../../s3/meter.ts';
import { S3ObjectStore } from '../../s3/object-store.ts';
import { SharedUse } from '../../s3/shared-use.ts';
import { bucketKeys } from './keys.ts';

/** Where files are kept. */
export interface FilePlace {
  readonly storage: BlobStorage;
  readonly record: UsageRecord;
  /** Of all that is kept, wherever. */
  readonly maxBytes: number;
  readonly shared: SharedEviction | undefined;
  /** Of the bucket, where there is one. */
  readonly bucket: BucketReport | undefined;
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
}

interface FilePlaceOptions {
  readonly config: Config;
  readonly volume: Volume;
  /** What this machine's disk holds. */
  readonly disk: DiskBlobs;
  /** False for a command beside the server. */
  readonly upkeep: boolean;
  readonly emit: Emit;
  /** Who evicts a bucket of all replicas; where there is none nobody does. */
  readonly leaseOver?: ((place: string) => Lease) | undefined;
}

/** The disk alone, or a bucket behind it. Throws Refusal `format` for an address that is none, `state` where there are no keys of it. */
export function filePlace({ config, volume, disk, upkeep, emit, leaseOver }: FilePlaceOptions): FilePlace {
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
      close: async () => undefined,
    };
  const address = readS3Address(blobs.store);
  const meter = new BucketMeter();
  const client = new S3Client({ address, credentials: bucketKeys(blobs), meter });
  const onTrouble = (error: unknown) => emit({ name: 'faulted', at: 'store', error });
  const waiting = createWaitingRecord(volume);
  const storage = new S3BlobStorage({ client, tier: disk, tierBytes, waiting, isOwner: upkeep, onTrouble });
  const place = addressText(address);
  const shared = new SharedUse({
    storage,
    store: new S3ObjectStore(client),
    replica: sha256Hex(Buffer.from(`${hostname()} ${volume.root}`)).slice(0, 32),
    lease: leaseOver?.(place),
    onTrouble,
  });
  return {
    storage,
    record: shared.told(record),
    maxBytes: blobs.maxBytes,
    shared,
    bucket: {
      place,
      usage: () => storage.usage(),
      counts: () => meter.counts(),
      conditions: () => bucketConditions(place, storage.usage(), leaseOver !== undefined),
    },
    async close() {
      await storage.close();
      client.close();
    },
  };
}

function bucketConditions(
  place: string,
  { away, waiting, dropped }: TierUsage,
  isEvicted: boolean,
): readonly Condition[] {
  const found: Condition[] = [];
  const add = (what: Condition['what'], message: string) => void found.push({ what, index: '', thing: place, message });
  if (away !== undefined)
    add(
      'bucket',
      `The bucket cannot be had: what this disk lacks is fetched from upstream, and ${waiting} files wait to be uploaded (blobs.store). ${away}`,
    );
  if (dropped > 0) add('bucket-behind', `${dropped} files were never uploaded, because too many waited (blobs.store).`);
  if (!isEvicted)
    add(
      'bucket-grows',
      'Nobody evicts files from the bucket: without a lease that replicas share, blobs.max_bytes is held by nobody. A lifecycle rule of the bucket may remove old ones.',
    );
  return found;
}
