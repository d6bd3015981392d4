import { BlobStore } from '../../src/blobs/blob-store.ts';
import type { BlobsOptions } from '../../src/blobs/parts.ts';
import { createBlobStorage, createUsageRecord, type DiskBlobsOptions } from '../../src/disk/blob-storage.ts';
import type { Volume } from '../../src/disk/volume.ts';

export interface OpenBlobs {
  readonly blobs: BlobStore;
  close(): Promise<void>;
}

/** The blobs of a data directory, as the server opens them. */
export function blobsOn(
  volume: Volume,
  options: Omit<BlobsOptions, 'storage' | 'record'> & DiskBlobsOptions = {},
): OpenBlobs {
  const storage = createBlobStorage(volume, options);
  const blobs = new BlobStore({ storage, record: createUsageRecord(volume), ...options });
  return {
    blobs,
    async close() {
      await blobs.close();
      await storage.close();
    },
  };
}
