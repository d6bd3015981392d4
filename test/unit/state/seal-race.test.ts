import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type FileOps, nodeFileOps } from '../../../src/disk/file-ops.ts';
import { openVolume } from '../../../src/disk/volume.ts';
import type { PageRecord } from '../../../src/ports/index-state.ts';
import { createPageStore } from '../../../src/state/pages.ts';
import { scratch } from '../../support/volume-harness.ts';

// Two processes on one sealed directory, one of them held up between writing a page and giving it its name.

const record = (serial: number, confirmedAt = serial): PageRecord => ({
  project: 'demo',
  bytes: Buffer.from(`page ${serial}`),
  contentType: 'text/html',
  etag: undefined,
  serial,
  seenSerial: serial,
  fetchedAt: serial,
  confirmedAt,
  twice: false,
  fetch: `f${serial}`,
});

/** Holds the next page up just before its name, until told to go on. */
function heldUp() {
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let armed = false;
  const ops: FileOps = {
    ...nodeFileOps,
    async rename(from, to) {
      if (armed && to.includes('/pages/')) {
        armed = false;
        arrived.resolve();
        await gate.promise;
      }
      await nodeFileOps.rename(from, to);
    },
  };
  const arm = () => {
    armed = true;
  };
  return { ops, arrived: arrived.promise, goOn: gate.resolve, arm };
}

it.each([
  ['another page', record(2)],
  ['the same page, confirmed anew', record(1, 9000)],
])('%s of a slower process in the place of two newer ones is no lost state', async (_, late) => {
  const data = join(await scratch(), 'data');
  const sealKey = Buffer.alloc(32, 'key');
  const open = async (ops?: FileOps) =>
    createPageStore(await openVolume(data, { sealKey, ...(ops && { ops }) }), 'main');
  const slow = heldUp();
  const [quick, slower] = [await open(), await open(slow.ops)];
  await quick.save(record(1));
  await slower.load('demo');
  slow.arm();
  const saving = slower.save(late);
  await slow.arrived;
  await quick.save(record(3));
  await quick.save(record(4));
  slow.goOn();
  await saving;
  for (const store of [quick, slower, await open()]) expect((await store.load('demo'))?.fetch).toBe(late.fetch);
  await quick.save(record(5));
  expect((await slower.load('demo'))?.serial).toBe(5);
});
