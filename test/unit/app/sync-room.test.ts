import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { compose } from '../../../src/app/compose.ts';
import { noEvents } from '../../../src/app/no-events.ts';
import { type SyncAct, syncIn } from '../../../src/app/syncing/sync-in.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { type FakePypi, startFakePypi } from '../../support/fake-pypi.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { scratch } from '../../support/volume-harness.ts';

const WHEEL = tinyWheel('alpha');
const WORDS = {
  ...{ index: 'main', projects: ['alpha'], requirements: [], locks: [], sboms: [], listed: false, held: false },
  ...{ environments: [], excludePlatforms: [], blocklist: [], parallel: 1, largerThanRoom: false },
};
/** A file system of nothing but what the kernel says: there is no room on it. */
const FULL = '/proc';

let pypi: FakePypi;
beforeEach(async () => {
  pypi = await startFakePypi();
  onTestFinished(() => pypi.close());
  pypi.upload('alpha', WHEEL);
});

async function synced({ data = FULL, maxBytes = 1e9, words = {}, fetches = true } = {}) {
  const directory = await scratch();
  const file = join(directory, 'verbatim.yaml');
  const main = { upstream: `${pypi.url}simple/`, evidence: 'index', file_hosts: [`127.0.0.1:${pypi.files.port}`] };
  await writeFile(file, JSON.stringify({ data: 'data', indexes: { main } }));
  const config = loadConfig({ file, env: {} });
  const composition = await compose({ config, emit: noEvents });
  onTestFinished(() => composition.close());
  const act: SyncAct = {
    config: { ...config, data, cache: { ...config.cache, maxBytes } },
    composition,
    words: { ...WORDS, ...words },
    signal: new AbortController().signal,
    fetches,
    mustBeHeld: false,
  };
  return syncIn(act);
}

const noRoom = (words: RegExp) => expect.objectContaining({ reason: 'limit', message: expect.stringMatching(words) });

it('a sync begins where there is room, or where it is to begin all the same, or fetches nothing', async () => {
  const files = async (how: Parameters<typeof synced>[0]) => (await synced(how)).report.progress.bytes > 0;
  expect(await files({ data: await scratch() })).toBe(true);
  expect(await files({ fetches: false })).toBe(true);
  expect(await files({ words: { largerThanRoom: true } })).toBe(true);
});

it('a sync of more than there is room for on the disk fetches nothing', async () => {
  await expect(synced()).rejects.toEqual(noRoom(/takes .* more, and 0 MB are free on the disk of/));
  expect(pypi.files.requests).toEqual([]);
});

it('a sync of more than is kept fetches nothing', async () => {
  await expect(synced({ data: await scratch(), maxBytes: 1 })).rejects.toEqual(noRoom(/at most 1 MB are kept/));
});

it('a sync is one of an index that there is', async () => {
  await expect(synced({ words: { index: 'other' } })).rejects.toMatchObject({ reason: 'unlisted' });
});
