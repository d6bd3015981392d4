import { describe, expect, test } from 'vitest';
import { createBlobs } from '../../src/store/blobs.ts';
import type { FileOps } from '../../src/store/file-ops.ts';
import { createPins } from '../../src/store/pins.ts';
import { createTrustStore } from '../../src/store/trust.ts';
import { openVolume } from '../../src/store/volume.ts';
import { systemError } from '../support/faults.ts';
import { createMemoryDisk, type Loss } from './memory-disk.ts';
import { contentOf, expectedOf, pinOf, trustOf } from './work.ts';

interface Promised {
  trust: number;
  pins: number;
  blob: boolean;
}

async function everything(ops: FileOps, promised: Promised): Promise<void> {
  const volume = await openVolume('/data', { ops });
  const trust = createTrustStore(volume, 'main');
  const pins = createPins(volume, 'main');
  await trust.keepRoot(1, Buffer.from('root 1'));
  const first = await trust.publish(trustOf(1), undefined);
  if (first.result !== 'published') throw new Error('superseded');
  promised.trust = 1;
  await pins.add('demo', new Map([['f1', pinOf(1)]]));
  promised.pins = 1;
  const blobs = await createBlobs({ volume });
  try {
    const bytes = contentOf(1);
    await blobs.fetch(
      { origin: 'power', expected: expectedOf(1), limit: bytes.byteLength, name: 'f', subject: 'file' },
      async ({ offset }) => ({
        start: offset,
        bytes: (async function* () {
          yield bytes.subarray(offset);
        })(),
      }),
    );
    promised.blob = true;
    await pins.add('demo', new Map([['f2', pinOf(2)]]));
    promised.pins = 2;
    await trust.keepRoot(2, Buffer.from('root 2'));
    await trust.publish(trustOf(2), first.current);
    promised.trust = 2;
  } finally {
    await blobs.close();
  }
}

async function check(ops: FileOps, promised: Promised): Promise<void> {
  const volume = await openVolume('/data', { ops });
  const stored = await createTrustStore(volume, 'main').load();
  const version = stored?.rootVersion ?? 0;
  expect(version).toBeGreaterThanOrEqual(promised.trust);
  if (stored !== undefined) {
    expect(Buffer.from(stored.timestamp).toString()).toBe(`timestamp ${version}`);
    expect(Buffer.from(stored.snapshot).toString()).toBe(`snapshot ${version}`);
    expect(Buffer.from(stored.targets).toString()).toBe(`targets ${version}`);
    expect(Buffer.from(stored.roots.get(version) ?? '').toString()).toBe(`root ${version}`);
  }
  expect((await createPins(volume, 'main').of('demo')).size).toBeGreaterThanOrEqual(promised.pins);
  const blobs = await createBlobs({ volume });
  const blob = await blobs.open(expectedOf(1));
  if (promised.blob) expect(blob).toBeDefined();
  if (blob !== undefined) expect(contentOf(1).equals(await blob.bytes(blob.size))).toBe(true);
  await blobs.close();
}

describe('the power goes at each step in turn', () => {
  for (const loss of ['names and data are lost', 'names are kept, data is lost'] satisfies readonly Loss[])
    test(`and unsynced ${loss}: what was promised is there, what is there is right`, async () => {
      for (let at = 1; ; at++) {
        let count = 0;
        let off = false;
        const disk = createMemoryDisk(() => {
          if (++count >= at) off = true;
          if (off) throw systemError('EIO');
        });
        const promised: Promised = { trust: 0, pins: 0, blob: false };
        const ended = await everything(disk.ops, promised).then(
          () => 'clean',
          () => 'cut',
        );
        await check(disk.afterPowerLoss(loss).ops, promised);
        if (ended === 'cut') continue;
        expect(at).toBeGreaterThan(80);
        return;
      }
    });
});
