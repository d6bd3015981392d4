import { describe, expect, it } from 'vitest';
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import type { FileOps } from '../../src/disk/file-ops.ts';
import { LAYOUT, openVolume } from '../../src/disk/volume.ts';
import { blobsOn } from '../support/blobs-on.ts';
import { client } from '../support/callers.ts';
import { systemError } from '../support/faults.ts';
import { createMemoryDisk, type Loss } from './memory-disk.ts';
import { contentOf, expectedOf } from './work.ts';

// Files that this program makes durable itself. What SQLite does with its own is looked at by the system calls it makes.

interface Promised {
  blobs: number;
}

async function fill(blobs: BlobStore, round: number): Promise<void> {
  const bytes = contentOf(round);
  const { sha256 } = await blobs.fetch(
    {
      origin: 'power',
      expected: expectedOf(round),
      limit: bytes.byteLength,
      name: 'f',
      subject: 'file',
    },
    async ({ offset }) => ({
      start: offset,
      bytes: (async function* () {
        yield bytes.subarray(offset);
      })(),
    }),
    client(),
  );
  await blobs.sync(sha256);
}

async function everything(ops: FileOps, promised: Promised): Promise<void> {
  const volume = await openVolume('/data', { ops });
  const { blobs, close } = blobsOn(volume);
  try {
    for (const round of [1, 2, 3]) {
      await fill(blobs, round);
      promised.blobs = round;
    }
  } finally {
    await close();
  }
}

async function check(ops: FileOps, promised: Promised): Promise<void> {
  const volume = await openVolume('/data', { ops });
  expect(volume.layout).toBe(LAYOUT);
  const { blobs, close } = blobsOn(volume);
  for (const round of [1, 2, 3]) {
    const blob = await blobs.open(expectedOf(round));
    if (round <= promised.blobs) expect(blob).toBeDefined();
    if (blob !== undefined) expect(contentOf(round).equals(await blob.bytes(blob.size))).toBe(true);
  }
  await close();
}

describe('the power goes at each step in turn', () => {
  for (const loss of ['names and data are lost', 'names are kept, data is lost'] satisfies readonly Loss[])
    it(`and unsynced ${loss}: what was promised is there, what is there is right`, async () => {
      for (let at = 1; ; at++) {
        let count = 0;
        let off = false;
        const disk = createMemoryDisk(() => {
          if (++count >= at) off = true;
          if (off) throw systemError('EIO');
        });
        const promised: Promised = { blobs: 0 };
        const ended = await everything(disk.ops, promised).then(
          () => 'clean',
          () => 'cut',
        );
        await check(disk.afterPowerLoss(loss).ops, promised);
        if (ended === 'cut') continue;
        expect(at).toBeGreaterThan(40);
        return;
      }
    });
});
