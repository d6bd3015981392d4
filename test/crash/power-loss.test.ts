import { describe, expect, it } from 'vitest';
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import type { FileOps } from '../../src/disk/file-ops.ts';
import { openVolume, type VolumeOptions } from '../../src/disk/volume.ts';
import { createPageStore } from '../../src/state/pages.ts';
import { createPins } from '../../src/state/pins.ts';
import { createTrustStore } from '../../src/state/trust.ts';
import { blobsOn } from '../support/blobs-on.ts';
import { client } from '../support/callers.ts';
import { systemError } from '../support/faults.ts';
import { createMemoryDisk, type Loss } from './memory-disk.ts';
import { contentOf, expectedOf, pageOf, pinOf, trustOf } from './work.ts';

interface Promised {
  trust: number;
  pins: number;
  page: number;
  blob: boolean;
}

type Sealing = Pick<VolumeOptions, 'sealKey' | 'sealEpochFile'>;

async function fillBlob(blobs: BlobStore, promised: Promised): Promise<void> {
  const bytes = contentOf(1);
  await blobs.fetch(
    { origin: 'power', expected: expectedOf(1), limit: bytes.byteLength, name: 'f', subject: 'file', durable: true },
    async ({ offset }) => ({
      start: offset,
      bytes: (async function* () {
        yield bytes.subarray(offset);
      })(),
    }),
    client(),
  );
  promised.blob = true;
}

async function everything(ops: FileOps, sealing: Sealing, promised: Promised): Promise<void> {
  const volume = await openVolume('/data', { ops, ...sealing });
  const pages = createPageStore(volume, 'main');
  const trust = createTrustStore(volume, 'main');
  const pins = createPins(volume, 'main');
  await trust.keepRoot(1, Buffer.from('root 1'));
  const first = await trust.publish(trustOf(1), undefined);
  if (first.result !== 'published') throw new Error('superseded');
  promised.trust = 1;
  await pins.add('demo', new Map([['f1', pinOf(1)]]));
  promised.pins = 1;
  await pages.save(pageOf(1));
  promised.page = 1;
  const { blobs, close } = blobsOn(volume);
  try {
    // Blobs carry no seal: once is enough.
    if (sealing.sealKey === undefined) await fillBlob(blobs, promised);
    await pins.add('demo', new Map([['f2', pinOf(2)]]));
    promised.pins = 2;
    await pages.save(pageOf(2));
    promised.page = 2;
    await trust.keepRoot(2, Buffer.from('root 2'));
    await trust.publish(trustOf(2), first.current);
    promised.trust = 2;
  } finally {
    await close();
  }
}

async function check(ops: FileOps, sealing: Sealing, promised: Promised): Promise<void> {
  const volume = await openVolume('/data', { ops, ...sealing });
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
  const page = await createPageStore(volume, 'main').load('demo');
  expect(page?.seenSerial ?? 0).toBeGreaterThanOrEqual(promised.page);
  if (page !== undefined) expect(page).toEqual(pageOf(page.seenSerial ?? 0));
  const { blobs, close } = blobsOn(volume);
  const blob = await blobs.open(expectedOf(1));
  if (promised.blob) expect(blob).toBeDefined();
  if (blob !== undefined) expect(contentOf(1).equals(await blob.bytes(blob.size))).toBe(true);
  await close();
}

const SEALED: Sealing = { sealKey: Buffer.alloc(32, 'key'), sealEpochFile: '/epoch.json' };

describe('the power goes at each step in turn', () => {
  for (const [kind, sealing] of [
    ['unsealed', {}],
    ['sealed', SEALED],
  ] satisfies [string, Sealing][])
    for (const loss of ['names and data are lost', 'names are kept, data is lost'] satisfies readonly Loss[])
      it(`and unsynced ${loss}, ${kind}: what was promised is there, what is there is right`, async () => {
        for (let at = 1; ; at++) {
          let count = 0;
          let off = false;
          const disk = createMemoryDisk(() => {
            if (++count >= at) off = true;
            if (off) throw systemError('EIO');
          });
          const promised: Promised = { trust: 0, pins: 0, page: 0, blob: false };
          const ended = await everything(disk.ops, sealing, promised).then(
            () => 'clean',
            () => 'cut',
          );
          await check(disk.afterPowerLoss(loss).ops, sealing, promised);
          if (ended === 'cut') continue;
          expect(at).toBeGreaterThan(80);
          return;
        }
      }, 90_000);
});
