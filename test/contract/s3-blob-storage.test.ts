import { chmod, open } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { faultyOps, systemError } from '../support/faults.ts';
import { s3Blobs } from '../support/s3-blobs.ts';
import { startS3Server } from '../support/s3-server.ts';
import { scratch } from '../support/volume-harness.ts';
import { type BlobStorageRig, blobStorageContract } from './blob-storage.ts';

/** Processes of one machine: a bucket and a disk before it, both shared. After a power cut the disk is another, an empty one. */
async function bucketRig(): Promise<BlobStorageRig> {
  const server = await startS3Server();
  onTestFinished(() => server.close());
  const data = join(await scratch(), 'data');
  let full = false;
  const ops = faultyOps({
    before({ kind }) {
      if (full && kind === 'write') throw systemError('ENOSPC');
    },
  });
  const party = async (at = data) => (await s3Blobs({ url: server.url, data: at, ops })).storage;
  const pathOf = (sha256: string) => join(data, 'blobs', 'sha256', sha256.slice(0, 2), sha256.slice(2));
  const keyOf = (sha256: string) => `blobs/sha256/${sha256.slice(0, 2)}/${sha256}`;
  const storage = await party();
  return {
    storage,
    another: () => party(),
    afterPowerCut: async () => party(join(await scratch(), 'data')),
    async change(sha256) {
      await storage.sync(sha256);
      const there = server.objects.get(keyOf(sha256));
      const changed = Buffer.from(there?.bytes ?? []);
      changed[0] = (changed[0] ?? 0) ^ 1;
      server.objects.set(keyOf(sha256), { bytes: changed, changed: new Date() });
      await chmod(pathOf(sha256), 0o600);
      const file = await open(pathOf(sha256), 'r+');
      await file.write(changed, 0, 1, 0);
      await file.utimes(1, 1);
      await file.close();
    },
    async break(sha256) {
      await storage.sync(sha256);
      const there = server.objects.get(keyOf(sha256));
      await storage.remove(sha256);
      server.objects.set(keyOf(sha256), {
        bytes: there?.bytes ?? Buffer.alloc(0),
        changed: new Date(),
        storageClass: 'GLACIER',
      });
    },
    setFull(on) {
      full = on;
    },
  };
}

blobStorageContract('a bucket behind a disk', bucketRig);
