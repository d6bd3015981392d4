import { expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { type BlobWriter, StorageError } from '../../../src/ports/blob-storage.ts';
import { Tier } from '../../../src/s3/tier.ts';
import { createMemoryBlobs } from '../../support/memory-blobs.ts';

const OLD = Buffer.from('what was used long ago');
const NAME = sha256Hex(OLD);
const full = new StorageError('full', 'There is no room.');
const damaged = new StorageError('damaged', 'The disk is broken.');

/** A disk that holds one file, and takes no byte as long as that lies there. */
async function start({ isOwner = true, isSpared = false, isThere = true, error = full } = {}) {
  const disk = createMemoryBlobs().party();
  const writer = await disk.begin();
  await writer.write(OLD, 0);
  await writer.commit(NAME);
  const spare = () => isSpared;
  const tier = new Tier({
    disk,
    maxBytes: 1e9,
    isOwner,
    leads: true,
    spare,
    isThere: async () => isThere,
    onTrouble: () => expect.fail('there is trouble'),
  });
  await tier.find();
  let tried = 0;
  const writing: BlobWriter = {
    ...(await disk.begin()),
    async write() {
      tried++;
      if ((await disk.stat(NAME)) !== undefined) throw error;
    },
  };
  return { disk, write: () => tier.writing(writing, () => undefined).write(OLD, 0), tried: () => tried };
}

it('where the disk is full what was used long ago makes room, and the bytes are written again', async () => {
  const { disk, write, tried } = await start();
  await write();
  expect(await disk.stat(NAME)).toBeUndefined();
  expect(tried()).toBe(2);
});

it.each<[string, Parameters<typeof start>[0]]>([
  ['where another process owns the disk', { isOwner: false }],
  ['where it lies nowhere else', { isSpared: true }],
  ['where another process may have to upload it yet', { isThere: false }],
  ['for a disk that is not full but broken', { error: damaged }],
])('nothing makes room %s, and the bytes are not written again', async (_, how) => {
  const { disk, write, tried } = await start(how);
  await expect(write()).rejects.toBe(how?.error ?? full);
  expect(await disk.stat(NAME)).toBeDefined();
  expect(tried()).toBe(1);
});
