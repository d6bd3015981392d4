import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { feedPlace, feedToCarry } from '../../../../src/app/advisories/carried.ts';
import { FeedKeeper } from '../../../../src/app/advisories/keeper.ts';
import { sourceOf } from '../../../../src/app/advisories/source.ts';
import { Refusal } from '../../../../src/bytes/refusal.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';
import { openVolume, type Volume } from '../../../../src/disk/volume.ts';
import { createAdvisoryWork } from '../../../../src/workers/advisory-work.ts';
import { makeScratch, NOW, unsignedConfig } from '../../../rigs/mirror.ts';
import { advisoriesFrom, advisory, archiveOf } from '../../../support/advisories.ts';
import { createClock } from '../../../support/clock.ts';
import { createRecorder } from '../../../support/recorder.ts';

const CONFIG = advisoriesFrom({ carried: true });
const MAIN = unsignedConfig({ upstream: 'https://main.invalid/' });
const OLD = archiveOf([advisory('MAL-1', 'alpha', {}, { modified: '2026-01-01T00:00:00Z' })]);
const NEW = archiveOf([advisory('MAL-2', 'alpha', {}, { modified: '2026-03-01T00:00:00Z' })]);
const blobOf = (bytes: Uint8Array) => ({ bytes: async () => bytes });

let directory: string;
const closers: (() => Promise<void>)[] = [];
beforeEach(async () => {
  directory = await makeScratch();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(directory, { recursive: true });
});

/** As one process that imports has it. */
async function process(change: (volume: Volume) => Volume = (volume) => volume) {
  const own = await openVolume(join(directory, 'data'));
  const volume = change(own);
  const work = createAdvisoryWork();
  const source = sourceOf(CONFIG, { offline: false, contact: undefined });
  const { emit } = createRecorder();
  const keeper = new FeedKeeper({ config: CONFIG, volume, source, work, clock: createClock(NOW), emit, leads: false });
  await keeper.open();
  closers.push(
    () => own.close(),
    () => work.close(),
    () => keeper.close(),
  );
  const place = feedPlace({ config: { advisories: CONFIG }, volume, advisories: keeper });
  return { keeper, place, volume };
}

const kept = () => readFile(join(directory, 'data', 'advisories', 'feed.zip'));

describe('two processes that take advisories at once', () => {
  it('take them one after the other, so that older ones never stay in the place of newer ones', async () => {
    const looked = Promise.withResolvers<void>();
    const late = await process((volume) => ({
      ...volume,
      ops: {
        ...nodeFileOps,
        async unlink(path) {
          await nodeFileOps.unlink(path);
          // It was not alone, and gives way.
          if (path.includes('advisories-')) looked.resolve();
        },
      },
    }));
    let taking: Promise<boolean> | undefined;
    const early = await process((volume) => ({
      ...volume,
      durable: {
        ...volume.durable,
        async replace(path, bytes) {
          taking = late.place.take(blobOf(NEW));
          await Promise.race([looked.promise, taking]);
          await volume.durable.replace(path, bytes);
        },
      },
    }));
    expect(await early.place.take(blobOf(OLD))).toBe(true);
    expect(await taking).toBe(true);
    expect(await kept()).toEqual(NEW);
    expect(await readdir(join(directory, 'data', 'work'))).toEqual([]);
  });

  it('read no more of one than any feed may have', async () => {
    const { place } = await process();
    const bytes = (limit: number) => Promise.reject(new Refusal('limit', `It has more than ${limit} bytes.`));
    await expect(place.take({ bytes })).rejects.toThrow(`It has more than ${512 * 1024 * 1024} bytes.`);
  });

  it('are told of what is older, and of what is there', async () => {
    const one = await process();
    const other = await process();
    expect(await one.place.take(blobOf(NEW))).toBe(true);
    expect(await other.place.take(blobOf(NEW))).toBe(false);
    await expect(other.place.take(blobOf(OLD))).rejects.toMatchObject({ reason: 'regressed' });
    expect(await kept()).toEqual(NEW);
  });
});

describe('a disk that does not take them', () => {
  it.each([
    {
      code: 'ENOSPC',
      reason: 'limit',
      words: /^the disk of the data directory .* is full \(ENOSPC\), so make room on it$/,
    },
    {
      code: 'EIO',
      reason: 'state',
      words: /^nothing could be written in the data directory .* \(EIO\), so look at its disk$/,
    },
  ])('keeps those of before, and takes the new ones once it can: $code', async ({ code, reason, words }) => {
    const fault = Object.assign(new Error(code), { code });
    let isWell = true;
    const one = await process((volume) => ({
      ...volume,
      durable: {
        ...volume.durable,
        replace: (path, bytes) => (isWell ? volume.durable.replace(path, bytes) : Promise.reject(fault)),
      },
    }));
    await one.place.take(blobOf(OLD));
    isWell = false;
    const refused = one.place.take(blobOf(NEW));
    await expect(refused).rejects.toMatchObject({ reason, transient: true, message: expect.stringMatching(words) });
    expect(await kept()).toEqual(OLD);
    isWell = true;
    expect(await one.place.take(blobOf(NEW))).toBe(true);
    expect(await kept()).toEqual(NEW);
  });

  it('has nothing to do with a fault of this program, which is told as it is', async () => {
    const fault = new TypeError('a fault');
    const one = await process((volume) => ({
      ...volume,
      durable: { ...volume.durable, replace: () => Promise.reject(fault) },
    }));
    await expect(one.place.take(blobOf(NEW))).rejects.toBe(fault);
  });
});

describe('the feed that a bundle is to carry', () => {
  it('is the one in force, told by where it came from without a login', async () => {
    const { keeper, place } = await process();
    const config = { advisories: { ...CONFIG, notOf: ['private'] } };
    expect(await feedToCarry({ config, advisories: keeper }, MAIN)).toBe('none');
    await place.take(blobOf(NEW));
    const { inForce } = keeper;
    const standing = { ...keeper.standing, place: 'https://me:secret@feed.example/all.zip?token=secret' };
    const advisories = { inForce, standing, take: () => Promise.resolve(false) };
    const feed = await feedToCarry({ config, advisories }, MAIN);
    expect(feed).toMatchObject({ from: 'https://feed.example/all.zip', records: 1, malware: 1 });
    const long = { ...advisories, standing: { ...standing, place: `/${'x'.repeat(5000)}` } };
    expect(await feedToCarry({ config, advisories: long }, MAIN)).toMatchObject({ from: `/${'x'.repeat(4095)}` });
    expect(await feedToCarry({ config, advisories }, { ...MAIN, name: 'private' })).toBeUndefined();
    const unwanted = { advisories: { ...CONFIG, export: false } };
    expect(await feedToCarry({ config: unwanted, advisories }, MAIN)).toBeUndefined();
    expect(await feedToCarry({ config: { advisories: undefined }, advisories: undefined }, MAIN)).toBeUndefined();
  });
});
