import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_ARCHIVE, MAX_RECORD } from '../../../../src/advisories/limits.ts';
import { advisoryConditions } from '../../../../src/app/advisories/conditions.ts';
import { FeedKeeper } from '../../../../src/app/advisories/keeper.ts';
import { sourceOf } from '../../../../src/app/advisories/source.ts';
import type { AdvisoriesConfig } from '../../../../src/config/advisories/schema.ts';
import { openVolume, type Volume } from '../../../../src/disk/volume.ts';
import { createAdvisoryWork } from '../../../../src/workers/advisory-work.ts';
import { makeScratch, NOW } from '../../../rigs/mirror.ts';
import { advisoriesFrom, advisory, archiveOf } from '../../../support/advisories.ts';
import { createClock, DAY } from '../../../support/clock.ts';
import { createRecorder, type Recorded } from '../../../support/recorder.ts';

const BAD = advisory('MAL-2026-1', 'alpha', { versions: ['2.0'] });
const many = (count: number) => Array.from({ length: count }, (_, at) => advisory(`PYSEC-${at}`, `p${at}`, {}));

let directory: string;
let archive: string;
let volume: Volume;
let events: Recorded;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  directory = await makeScratch();
  archive = join(directory, 'all.zip');
  volume = await openVolume(join(directory, 'data'));
  closers.push(() => volume.close());
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(directory, { recursive: true });
});

const keeperOf = async (from: AdvisoriesConfig['from'] = { archive }, leads = true) => {
  const recorder = createRecorder();
  ({ events } = recorder);
  const config = advisoriesFrom(from);
  const work = createAdvisoryWork();
  const source = sourceOf(config, { offline: false, contact: undefined });
  const keeper = new FeedKeeper({ config, volume, source, work, clock: createClock(NOW), emit: recorder.emit, leads });
  closers.push(
    () => work.close(),
    () => keeper.close(),
  );
  await keeper.open();
  return keeper;
};
const ids = (keeper: FeedKeeper, project = 'alpha') => keeper.of(project)?.map(({ id }) => id) ?? [];
const refused = () => events.rejected.map(({ reason, at }) => `${reason} ${at}`);

describe('a feed of advisories', () => {
  it('is in force in every process within a second of the one that keeps it', async () => {
    await writeFile(archive, archiveOf(many(2)));
    const leader = await keeperOf();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const follower = await keeperOf({ archive }, false);
      expect(ids(follower)).toEqual([]);
      await writeFile(archive, archiveOf([...many(2), BAD]));
      await leader.look();
      expect(ids(leader)).toEqual(['MAL-2026-1']);
      vi.advanceTimersByTime(1000);
      await vi.waitFor(() => expect(ids(follower)).toEqual(['MAL-2026-1']), { timeout: 60_000 });
    } finally {
      vi.useRealTimers();
    }
  }, 120_000);

  it('is in force from the start on, from an archive, and is kept for when that is gone', async () => {
    await writeFile(archive, archiveOf([BAD]));
    const keeper = await keeperOf();
    expect(ids(keeper)).toEqual(['MAL-2026-1']);
    await keeper.look();
    expect(events.noted).toHaveLength(1);
    await rm(archive);
    const again = await keeperOf();
    expect(ids(again)).toEqual(['MAL-2026-1']);
    expect(again.standing.trouble).toContain('ENOENT');
    expect(refused()).toEqual(['state disk']);
    await again.look();
    expect(refused()).toHaveLength(1);
  });

  it('may be a folder of files, of which one too large is counted', async () => {
    const folder = join(directory, 'feed');
    await mkdir(join(folder, 'deeper.json'), { recursive: true });
    await writeFile(join(folder, 'deeper.json', 'a.json'), JSON.stringify(BAD));
    await writeFile(join(folder, 'large.json'), '{}');
    await truncate(join(folder, 'large.json'), MAX_RECORD + 1);
    const keeper = await keeperOf({ folder });
    expect(ids(keeper)).toEqual(['MAL-2026-1']);
    expect(keeper.standing.totals).toMatchObject({ records: 1, unreadable: 1 });
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['cut', () => writeFile(archive, archiveOf(many(10)).subarray(0, 900)), 'format disk'],
    ['of less than half', () => writeFile(archive, archiveOf(many(4))), 'regressed disk'],
    ['too large', () => truncate(archive, MAX_ARCHIVE + 1), 'limit disk'],
    [
      'older',
      () => writeFile(archive, archiveOf(many(10).map((each) => ({ ...each, modified: '2020-01-01T00:00:00Z' })))),
      'regressed disk',
    ],
  ])('that is %s is refused, and the last good one stays in force', async (_, damage, reason) => {
    await writeFile(archive, archiveOf([BAD, ...many(9)]));
    const keeper = await keeperOf();
    await damage();
    await keeper.look();
    expect(refused()).toEqual([reason]);
    expect(ids(keeper)).toEqual(['MAL-2026-1']);
    const conditions = () => advisoryConditions(keeper.standing, { maxAge: Number.MAX_SAFE_INTEGER, now: NOW });
    expect(conditions().map(({ thing }) => thing)).toEqual(['trouble']);
    await writeFile(archive, archiveOf(many(9)));
    await keeper.look();
    expect([ids(keeper), conditions()]).toEqual([[], []]);
  });

  it('that is too large is not read into memory', async () => {
    await writeFile(archive, '');
    await truncate(archive, MAX_ARCHIVE + 1);
    expect((await keeperOf()).standing.trouble).toMatch(/^\/.*all\.zip has more than/);
  });

  it('is followed by processes that do not look at its source', async () => {
    await writeFile(archive, archiveOf([BAD]));
    const leader = await keeperOf();
    const follower = await keeperOf({ archive }, false);
    expect(ids(follower)).toEqual(['MAL-2026-1']);
    await writeFile(archive, archiveOf([BAD, advisory('PYSEC-9', 'alpha', {})]));
    await follower.look();
    expect(ids(follower)).toEqual(['MAL-2026-1']);
    await leader.look();
    await follower.look();
    expect(ids(follower)).toEqual(['MAL-2026-1', 'PYSEC-9']);
  });

  it('that cannot be kept is in force all the same, and kept when there is room again', async () => {
    await writeFile(archive, archiveOf([BAD]));
    const { durable } = volume;
    let isFull = true;
    const full: Volume['durable'] = {
      ...durable,
      replace: (path, bytes) => (isFull ? Promise.reject(new Error('ENOSPC')) : durable.replace(path, bytes)),
    };
    volume = { ...volume, durable: full };
    const keeper = await keeperOf();
    expect(ids(keeper)).toEqual(['MAL-2026-1']);
    expect(keeper.inForce?.archive).toBeUndefined();
    expect(keeper.standing.trouble).toBe('ENOSPC');
    isFull = false;
    await keeper.look();
    expect(keeper.inForce?.archive).toBeDefined();
    expect(keeper.standing.trouble).toBeUndefined();
  });

  it('has another version for a project that it says something new of, and for no other', async () => {
    await writeFile(archive, archiveOf([BAD]));
    const keeper = await keeperOf();
    const before = [keeper.version('alpha'), keeper.version('beta')];
    await writeFile(archive, archiveOf([BAD, advisory('PYSEC-9', 'beta', {})]));
    await keeper.look();
    expect(keeper.version('alpha')).toBe(before[0]);
    expect(keeper.version('beta')).not.toBe(before[1]);
  });

  it('is old when nothing in it has changed for long, and missing where there is none', async () => {
    await writeFile(archive, archiveOf([BAD, Buffer.from('{')]));
    const { standing } = await keeperOf();
    const at = (now: number) => advisoryConditions(standing, { maxAge: DAY, now }).map(({ thing }) => thing);
    const newest = standing.totals?.newest ?? 0;
    expect(at(newest + DAY)).toEqual(['unreadable']);
    expect(at(newest + DAY + 1)).toEqual(['age', 'unreadable']);
    const none = { place: 'x', totals: undefined, trouble: 'gone' };
    expect(advisoryConditions(none, { maxAge: DAY, now: NOW })[0]?.message).toContain('no advisory is in force');
  });

  describe('at an address', () => {
    let server: Server;
    let body: Buffer | undefined;
    let asked: (string | undefined)[];
    beforeEach(async () => {
      asked = [];
      server = createServer((request, response) => {
        const tag = `"${body?.byteLength}"`;
        asked.push(request.headers['if-none-match']);
        if (body === undefined) response.writeHead(404).end();
        else if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
        else response.writeHead(200, { etag: tag, 'content-length': body.byteLength }).end(body);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closers.push(() => server.close());
    });
    const address = () => {
      const at = server.address();
      return `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}/all.zip`;
    };

    it('is fetched behind the start, and asked for by its validator from then on', async () => {
      body = archiveOf([BAD]);
      const keeper = await keeperOf({ address: address() });
      await keeper.look();
      expect(ids(keeper)).toEqual(['MAL-2026-1']);
      expect(asked).toEqual([undefined, `"${body.byteLength}"`]);
    });

    it('is fetched anew where the archive that is kept is damaged', async () => {
      body = archiveOf([BAD]);
      const keeper = await keeperOf({ address: address() });
      await keeper.look();
      const record = () =>
        keeper.inForce?.archive?.record(keeper.inForce.advisories.place('MAL-2026-1') ?? expect.fail());
      expect(await record()).toBeInstanceOf(Uint8Array);
      await writeFile(join(volume.root, 'advisories', 'feed.zip'), '');
      await expect(record()).rejects.toMatchObject({ reason: 'state' });
      expect(refused()).toEqual(['digest disk']);
      // The first look finds what is kept unreadable.
      for (let looks = 0; looks < 2; looks++) await keeper.look();
      expect(asked).toEqual([undefined, `"${body.byteLength}"`, undefined]);
      expect(await record()).toBeInstanceOf(Uint8Array);
      expect(keeper.standing.trouble).toBeUndefined();
    });

    it('that is not there is refused, and asked for again', async () => {
      body = undefined;
      const keeper = await keeperOf({ address: address() });
      await keeper.look();
      expect(refused()).toEqual(['unlisted upstream']);
      body = archiveOf([BAD]);
      await keeper.look();
      expect(ids(keeper)).toEqual(['MAL-2026-1']);
    });
  });
});
