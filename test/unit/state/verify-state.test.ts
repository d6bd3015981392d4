import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openVolume } from '../../../src/disk/volume.ts';
import { createPageStore } from '../../../src/state/pages.ts';
import { createPins } from '../../../src/state/pins.ts';
import { verifyState } from '../../../src/state/verify-state.ts';
import { filesBelow, scratch } from '../../support/volume-harness.ts';

// `verbatim verify` of an index that signs nothing: what was seen of it is all there is to hold upstream to.

const page = (project: string) => ({
  project,
  bytes: Buffer.from(project),
  contentType: 'text/html',
  etag: undefined,
  serial: 1,
  seenSerial: 1,
  fetchedAt: 1,
  confirmedAt: 1,
  twice: true,
  fetch: 'f',
});

async function filled(sealKey?: Buffer) {
  const data = join(await scratch(), 'data');
  const open = () => openVolume(data, { sealKey });
  const volume = await open();
  for (const project of ['demo', 'other']) {
    await createPins(volume, 'main').add(
      project,
      new Map([['f', { digests: new Map([['sha256', 'a'.repeat(64)]]), seen: 1 }]]),
    );
    await createPageStore(volume, 'main').save(page(project));
  }
  const at = async (part: string) => join(data, (await filesBelow(data)).find((path) => path.includes(part)) ?? '');
  return { at, wrong: async () => (await verifyState(await open(), 'main')).wrong.map(({ item }) => item) };
}

const KEY = Buffer.alloc(32, 'key');

it.each([
  ['without a seal', undefined],
  ['under a seal', KEY],
])('every page and pin is read again, %s', async (_, key) => {
  const { at, wrong } = await filled(key);
  expect(await wrong()).toEqual([]);
  await writeFile(await at('/pages/2a/demo'), 'changed');
  await writeFile(await at('/pins/2a/demo'), '{}');
  expect(await wrong()).toEqual(['pages/2a/demo', 'pins/2a/demo']);
});

it('under a seal, what was taken away is missed', async () => {
  const { at, wrong } = await filled(KEY);
  await rm(await at('/pages/2a/demo'));
  await rm(await at('/pins/2a/demo'));
  expect((await wrong()).toSorted()).toEqual(['pages/2a/demo', 'pins/2a/demo']);
});
