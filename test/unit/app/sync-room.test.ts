import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { type SyncAct, syncIn } from '../../../src/app/syncing/sync-in.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { openVolume } from '../../../src/disk/volume.ts';
import { type IndexRig, startIndexRig } from '../../rigs/index-rig.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { scratch } from '../../support/volume-harness.ts';

const WHEEL = tinyWheel('alpha');
const WORDS = {
  ...{ index: 'main', projects: ['alpha'], requirements: [], locks: [], sboms: [], listed: false, held: false },
  ...{ environments: [], excludePlatforms: [], blocklist: [], parallel: 1, largerThanRoom: false },
};
/** A file system of nothing but what the kernel says: there is no room on it. */
const FULL = '/proc';

let rig: IndexRig;
beforeEach(async () => {
  rig = await startIndexRig({ fill: (pypi) => void pypi.upload('alpha', WHEEL) });
  onTestFinished(() => rig.close());
});

async function synced({ data = FULL, maxBytes = 1e9, words = {}, fetches = true } = {}) {
  const own = loadConfig({ env: {}, flags: {} });
  const volume = await openVolume(await scratch());
  onTestFinished(() => volume.close());
  const act: SyncAct = {
    config: { ...own, data, cache: { ...own.cache, maxBytes } },
    composition: { indexes: [rig.index()], states: new Map(), volume },
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
  expect(rig.pypi.files.requests).toEqual([]);
});

it('a sync of more than is kept fetches nothing', async () => {
  await expect(synced({ data: await scratch(), maxBytes: 1 })).rejects.toEqual(noRoom(/at most 1 MB are kept/));
});

it('a sync is one of an index that there is', async () => {
  await expect(synced({ words: { index: 'other' } })).rejects.toMatchObject({ reason: 'unlisted' });
});
