import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createBlobStorage, createWaitingRecord } from '../../src/disk/blob-storage.ts';
import type { FileOps } from '../../src/disk/file-ops.ts';
import { openVolume } from '../../src/disk/volume.ts';
import type { ObjectStoreError } from '../../src/ports/object-store.ts';
import { S3BlobStorage } from '../../src/s3/blob-storage.ts';
import type { S3Limits } from '../../src/s3/limits.ts';
import { s3Store } from './s3.ts';
import { scratch } from './volume-harness.ts';

export interface S3BlobsOn {
  readonly url: string;
  /** A data directory that others may use, too; one of its own otherwise. */
  readonly data?: string | undefined;
  readonly ops?: FileOps | undefined;
  readonly prefix?: string | undefined;
  readonly tierBytes?: number | undefined;
  readonly limits?: Partial<S3Limits> | undefined;
  readonly leads?: boolean | undefined;
  /** Of the processes on one data directory, each of which has what it has to upload written down. */
  readonly number?: number | undefined;
  readonly onTrouble?: ((error: unknown) => void) | undefined;
  readonly onReach?: ((away: ObjectStoreError | undefined) => void) | undefined;
}

/** Blobs in a bucket behind a disk, as one process has them. Closed after the test. */
export async function s3Blobs({ url, data, ops, prefix, tierBytes = 1e9, limits, number, ...told }: S3BlobsOn) {
  const volume = await openVolume(data ?? join(await scratch(), 'data'), ops && { ops });
  const tier = createBlobStorage(volume);
  const { client, store } = s3Store(url, {
    ...(prefix !== undefined && { prefix }),
    limits: { pauseMs: 1, ...limits },
  });
  const storage = new S3BlobStorage({
    client,
    tier,
    tierBytes,
    waiting: createWaitingRecord(volume, number),
    breakMs: 20,
    uploadPauseMs: 5,
    ...told,
  });
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await storage.close();
    client.close();
    await tier.close();
    await volume.close().catch(() => undefined);
  };
  onTestFinished(close);
  return { storage, tier, client, store, volume, close };
}
