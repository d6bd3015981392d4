import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FileOps } from '../../../src/disk/file-ops.ts';
import { openVolume } from '../../../src/disk/volume.ts';
import type { PageRecord, Pin } from '../../../src/ports/index-state.ts';
import { archiveTrust } from '../../../src/state/archive.ts';
import { createIndexState } from '../../../src/state/index-facts.ts';
import { createPageStore } from '../../../src/state/pages.ts';
import { createPins } from '../../../src/state/pins.ts';
import { acceptStateLoss } from '../../../src/state/state-loss.ts';
import { createTrustStore } from '../../../src/state/trust.ts';
import { createMemoryDisk } from '../../crash/memory-disk.ts';
import { trustOf } from '../../crash/work.ts';
import { systemError } from '../../support/faults.ts';
import { filesBelow, refusalOf, scratch } from '../../support/volume-harness.ts';

const KEY = Buffer.alloc(32, 'key');

const pin = (letter: string): Pin => ({ digests: new Map([['sha256', letter.repeat(64)]]), seen: 1 });
const page = (serial: number, project = 'demo'): PageRecord => ({
  project,
  bytes: Buffer.from(`page ${serial}`),
  contentType: 'text/html',
  etag: undefined,
  serial,
  seenSerial: serial,
  fetchedAt: 1,
  confirmedAt: 1,
  twice: true,
  fetch: 'f',
});

interface Opening {
  readonly data: string;
  readonly sealKey?: Buffer | undefined;
  readonly ops?: FileOps;
  readonly outside?: boolean;
}

async function open({ data, sealKey = KEY, ops, outside = false }: Opening) {
  const volume = await openVolume(data, {
    ...(ops && { ops }),
    sealKey: sealKey.byteLength === 0 ? undefined : sealKey,
    sealEpochFile: outside ? join(data, '..', 'epoch.json') : undefined,
  });
  return {
    data,
    volume,
    state: createIndexState(volume, 'main'),
    pins: createPins(volume, 'main'),
    pages: createPageStore(volume, 'main'),
    trust: createTrustStore(volume, 'main'),
    accept: (adopt: boolean) =>
      acceptStateLoss(volume, { index: 'main', evidence: 'index', adopt, reason: 'why', now: 5 }),
  };
}

/** A disk in memory whose step number `at` fails, counted from `arm`. */
function failingDisk(at: number) {
  let count = 0;
  let armed = false;
  const { ops } = createMemoryDisk(() => {
    if (armed && ++count === at) throw systemError('ENOSPC');
  });
  return {
    ops,
    arm: () => {
      armed = true;
    },
    disarm: () => {
      armed = false;
    },
    hit: () => count >= at,
  };
}

const timestamp = (version: number) => ({ rootVersion: 1, version, bytes: Buffer.from(`timestamp ${version}`) });

type Opened = Awaited<ReturnType<typeof open>>;

const NO_KEY = Buffer.alloc(0);

/** Two of everything, as a mirror would have it. */
async function filled(options: Partial<Opening> = {}, projects = ['demo', 'other']): Promise<Opened> {
  const store = await open({ data: options.data ?? join(await scratch(), 'data'), ...options });
  await store.state.save({ evidence: 'index', createdAt: 1, audit: [] });
  for (const project of projects) {
    await store.pins.add(project, new Map([['f', pin('a')]]));
    await store.pins.add(project, new Map([['g', pin('b')]]));
    await store.pages.save(page(1, project));
    await store.pages.save(page(2, project));
  }
  return store;
}

async function pathOf(data: string, part: string): Promise<string> {
  const found = (await filesBelow(data)).filter((path) => path.includes(part));
  if (found.length !== 1) throw new Error(`${found.length} files hold ${part}`);
  return join(data, found[0] ?? '');
}

/** Reads everything; the first refusal is thrown. */
async function readAll({ state, pins, pages }: Opened, projects = ['demo', 'other']): Promise<void> {
  await state.load();
  for (const project of projects) {
    expect((await pins.of(project)).size).toBe(2);
    expect((await pages.load(project))?.serial).toBe(2);
  }
}

async function refused(store: Opened): Promise<void> {
  expect(await refusalOf(readAll(store))).toMatchObject({ reason: 'state' });
}

const kinds: readonly (readonly [string, string])[] = [
  ['pins', '/pins/2a/'],
  ['a page', '/pages/2a/demo'],
  ['the state of the index', '/index/'],
];

describe('sealed state', () => {
  it('comes back under its key, and under no other', async () => {
    const { data } = await filled();
    await readAll(await open({ data }));
    await refused(await open({ data, sealKey: Buffer.alloc(32, 'other') }));
    await refused(await open({ data, sealKey: NO_KEY }));
  });

  it('begins on an empty directory without ceremony', async () => {
    const store = await open({ data: join(await scratch(), 'data'), outside: true });
    expect(await store.state.load()).toBeUndefined();
    expect((await store.pins.of('demo')).size).toBe(0);
    expect(await store.pages.load('demo')).toBeUndefined();
  });

  it('asks for a key that nobody guesses', async () => {
    const data = join(await scratch(), 'data');
    expect(await refusalOf(openVolume(data, { sealKey: Buffer.from('short') }))).toMatchObject({ reason: 'state' });
  });

  for (const [what, part] of kinds)
    it(`${what}, rewritten with a right digest but without the key, is refused`, async () => {
      const { data } = await filled();
      const path = await pathOf(data, part);
      // What somebody can make who has the program and not the key.
      const forger = await filled({ sealKey: NO_KEY });
      await writeFile(path, await readFile(await pathOf(forger.data, part)));
      await refused(await open({ data }));
      const otherKey = await filled({ sealKey: Buffer.alloc(32, 'other') });
      await writeFile(path, await readFile(await pathOf(otherKey.data, part)));
      await refused(await open({ data }));
    });

  for (const [what, part] of kinds)
    it(`${what}, taken away, is noticed: running and after a start`, async () => {
      const store = await filled();
      await rm(await pathOf(store.data, part));
      await refused(store);
      await refused(await open({ data: store.data }));
    });

  it('put back to what it was is noticed: pins', async () => {
    const store = await filled();
    const path = await pathOf(store.data, '/pins/2a/');
    const before = await readFile(path);
    await store.pins.add('demo', new Map([['h', pin('c')]]));
    await rm(await pathOf(store.data, '/pins/2a/'));
    await writeFile(path, before);
    await refused(store);
    await refused(await open({ data: store.data }));
    // Under the newer number it does not pass either.
    await rename(path, path.replace('2.json', '3.json'));
    await refused(await open({ data: store.data }));
  });

  it('put back to what it was is noticed: a page, also one that had disappeared', async () => {
    for (const change of [
      async ({ pages }: Opened) => pages.save(page(3)),
      async ({ pages }: Opened) => pages.remove('demo'),
    ]) {
      const store = await filled();
      const path = await pathOf(store.data, '/pages/2a/demo');
      const before = await readFile(path);
      await change(store);
      await writeFile(path, before);
      expect(await refusalOf(store.pages.load('demo'))).toMatchObject({ reason: 'state' });
      expect(await refusalOf((await open({ data: store.data })).pages.load('demo'))).toMatchObject({ reason: 'state' });
    }
  });

  it('of one project or index does not pass for another', async () => {
    const { data } = await filled();
    await writeFile(await pathOf(data, '/pages/d9/other'), await readFile(await pathOf(data, '/pages/2a/demo')));
    await refused(await open({ data }));
    const { data: second } = await filled();
    await cp(join(second, 'indexes', 'main'), join(second, 'indexes', 'mirror'), { recursive: true });
    const { volume } = await open({ data: second });
    expect(await refusalOf(createIndexState(volume, 'mirror').load())).toMatchObject({ reason: 'state' });
  });

  it('whose record is taken away or put back is noticed', async () => {
    const store = await filled();
    const census = join(store.data, 'indexes', 'main', 'census');
    const kept = `${store.data}-census`;
    await cp(census, kept, { recursive: true });
    await store.pins.add('demo', new Map([['h', pin('c')]]));
    const top = await pathOf(store.data, '/census/top/');
    const shards = (await filesBelow(kept)).filter((path) => !path.startsWith('top'));
    for (const shard of shards) {
      // One sheet put back under the newer top.
      const again = `${store.data}-again`;
      await cp(store.data, again, { recursive: true });
      const sheet = join(again, 'indexes', 'main', 'census', shard);
      await rm(join(sheet, '..'), { recursive: true });
      await cp(join(kept, shard), sheet, { recursive: true });
      if (!(await readFile(sheet)).equals(await readFile(join(census, shard)).catch(() => Buffer.alloc(0))))
        await refused(await open({ data: again }));
      await rm(again, { recursive: true });
    }
    await rm(top);
    await refused(await open({ data: store.data }));
    await rm(census, { recursive: true });
    await refused(await open({ data: store.data }));
  });

  it('of a signed index holds its clock floor too, and begins again when its trust is archived', async () => {
    const { data, trust, volume, state } = await open({ data: join(await scratch(), 'data') });
    await state.save({ evidence: 'tuf', createdAt: 1, audit: [] });
    const first = await trust.publish(trustOf(1), undefined);
    const path = await pathOf(data, '/tuf/current/');
    const before = await readFile(path);
    await trust.publish(trustOf(2), first.result === 'published' ? first.current : undefined);
    await rm(await pathOf(data, '/tuf/current/'));
    await writeFile(path, before);
    await trust.keepTimestamp(timestamp(2));
    for (const each of [trust, (await open({ data })).trust])
      expect(await refusalOf(each.load())).toMatchObject({ reason: 'state' });
    await archiveTrust(volume, 'main', 9);
    for (const each of [trust, (await open({ data })).trust]) {
      expect(await each.load()).toBeUndefined();
      expect(await each.timestamp()).toBeUndefined();
    }
    await trust.publish(trustOf(3), undefined);
    expect((await (await open({ data })).trust.load())?.rootVersion).toBe(3);
  });

  it('of a signed index holds the newest timestamp it believed, published or not', async () => {
    const { data, trust } = await open({ data: join(await scratch(), 'data') });
    await trust.keepTimestamp(timestamp(1));
    const path = await pathOf(data, '/tuf/floor/');
    const before = await readFile(path);
    await trust.keepTimestamp(timestamp(2));
    expect(await (await open({ data })).trust.timestamp()).toEqual(timestamp(2));
    await rm(await pathOf(data, '/tuf/floor/'));
    const refusedAll = async () => {
      for (const each of [trust, (await open({ data })).trust]) {
        expect(await refusalOf(each.timestamp())).toMatchObject({ reason: 'state' });
        expect(await refusalOf(each.keepTimestamp(timestamp(1)))).toMatchObject({ reason: 'state' });
      }
    };
    await refusedAll();
    await writeFile(path, before);
    await refusedAll();
    const forger = await open({ data: join(await scratch(), 'data'), sealKey: NO_KEY });
    for (const version of [1, 2]) await forger.trust.keepTimestamp(timestamp(version));
    await writeFile(path.replace('1.json', '2.json'), await readFile(await pathOf(forger.data, '/tuf/floor/')));
    await refusedAll();
    const fresh = await open({ data });
    expect((await fresh.accept(false)).setAside).toEqual(['tuf/floor']);
    expect(await fresh.trust.timestamp()).toBeUndefined();
    await fresh.trust.keepTimestamp(timestamp(1));
    expect(await (await open({ data })).trust.timestamp()).toEqual(timestamp(1));
  });

  it('of a signed index is missed where its record went with all else that was published', async () => {
    const { data, trust } = await open({ data: join(await scratch(), 'data') });
    await trust.keepTimestamp(timestamp(1));
    await rm(join(data, 'indexes', 'main', 'census'), { recursive: true });
    expect(await refusalOf((await open({ data })).trust.timestamp())).toMatchObject({ reason: 'state' });
  });

  it('put back whole is noticed by the epoch outside, and so is a directory that is empty again', async () => {
    const store = await filled({ outside: true });
    const kept = `${store.data}-kept`;
    await cp(store.data, kept, { recursive: true });
    await store.pins.add('demo', new Map([['h', pin('c')]]));
    await (await open({ data: store.data, outside: true })).state.load();
    await rm(store.data, { recursive: true });
    await rename(kept, store.data);
    await refused(await open({ data: store.data, outside: true }));
    await rm(store.data, { recursive: true });
    expect(await refusalOf((await open({ data: store.data, outside: true })).state.load())).toMatchObject({
      reason: 'state',
    });
  });

  it('put back whole under a running mirror is noticed without it', async () => {
    const store = await filled();
    const kept = `${store.data}-kept`;
    await cp(store.data, kept, { recursive: true });
    await store.pins.add('demo', new Map([['h', pin('c')]]));
    await rm(store.data, { recursive: true });
    await rename(kept, store.data);
    expect(await refusalOf(store.pins.of('demo'))).toMatchObject({ reason: 'state' });
    expect(await refusalOf(store.pins.add('new', new Map([['f', pin('a')]])))).toMatchObject({ reason: 'state' });
  });

  it('changed by several processes at once stays whole', async () => {
    const { data } = await filled({ outside: true });
    const stores = await Promise.all([0, 1, 2].map(() => open({ data, outside: true })));
    await Promise.all(
      Array.from({ length: 30 }, async (_, at) => {
        const store = stores[at % 3];
        await store?.pins.add(`p${at % 7}`, new Map([[`f${at}`, pin('a')]]));
        await store?.pages.save(page(at + 1, `p${at}`));
      }),
    );
    for (const store of [...stores, await open({ data, outside: true })]) {
      let pinned = 0;
      for (let at = 0; at < 7; at++) pinned += (await store.pins.of(`p${at}`)).size;
      expect(pinned).toBe(30);
      for (let at = 0; at < 30; at++) expect((await store.pages.load(`p${at}`))?.serial).toBe(at + 1);
    }
  });

  it('written while the disk fails at each step in turn: never refused afterwards, never older than promised', async () => {
    for (let at = 1; ; at++) {
      const disk = failingDisk(at);
      const where = { data: '/v/data', ops: disk.ops, outside: true };
      const store = await filled(where, ['demo']);
      disk.arm();
      const settled = await Promise.allSettled([
        store.pins.add('demo', new Map([['h', pin('c')]])),
        store.pages.save(page(3)),
      ]);
      disk.disarm();
      const [pins, saved] = settled.map(({ status }) => status === 'fulfilled');
      const fresh = await open(where);
      expect((await fresh.pins.of('demo')).size).toBeGreaterThanOrEqual(pins ? 3 : 2);
      expect((await fresh.pages.load('demo'))?.serial).toBeGreaterThanOrEqual(saved ? 3 : 2);
      for (const each of [store, fresh]) {
        await each.pins.add('demo', new Map([['h', pin('c')]]));
        await each.pages.save(page(3));
        expect((await each.pages.load('demo'))?.serial).toBe(3);
      }
      if (!disk.hit()) return;
    }
  }, 90_000);
});

describe('accepting the loss of state', () => {
  it('keeps what holds, sets the rest aside, and says so in the audit trail', async () => {
    const store = await filled({ outside: true });
    const { data } = store;
    await rm(await pathOf(data, '/pins/2a/'));
    const forger = await filled({ sealKey: NO_KEY });
    await writeFile(await pathOf(data, '/pages/2a/demo'), await readFile(await pathOf(forger.data, '/pages/2a/demo')));
    const fresh = await open({ data, outside: true });
    const loss = await fresh.accept(false);
    expect(loss).toMatchObject({ kept: 3, adopted: 0, setAside: ['pages/2a/demo'] });
    for (const each of [fresh, await open({ data, outside: true }), store]) {
      expect((await each.pins.of('demo')).size).toBe(0);
      expect((await each.pins.of('other')).size).toBe(2);
      expect(await each.pages.load('other')).toEqual(page(2, 'other'));
      expect((await each.state.load())?.audit).toEqual([{ at: 5, action: 'accept-state-loss', reason: 'why' }]);
    }
    expect(await (await open({ data, outside: true })).pages.load('demo')).toBeUndefined();
  });

  it('a process that runs follows, also for what it never looked at before', async () => {
    const { data } = await filled();
    const running = await open({ data });
    await running.state.load();
    await rm(await pathOf(data, '/pins/2a/'));
    await (await open({ data })).accept(false);
    expect((await running.pins.of('demo')).size).toBe(0);
    expect((await running.pins.of('other')).size).toBe(2);
  });

  it('begins anew after an empty directory was refused', async () => {
    const { data } = await filled({ outside: true });
    await rm(data, { recursive: true });
    const fresh = await open({ data, outside: true });
    expect(await refusalOf(fresh.state.load())).toMatchObject({ reason: 'state' });
    await fresh.accept(false);
    const again = await open({ data, outside: true });
    expect((await again.state.load())?.evidence).toBe('index');
    await again.pins.add('demo', new Map([['f', pin('a')]]));
  });

  it('seals what lay there without a seal only when told to adopt it', async () => {
    const { data } = await filled({ sealKey: NO_KEY });
    await refused(await open({ data }));
    expect(await (await open({ data })).accept(true)).toMatchObject({ kept: 0, adopted: 5, setAside: [] });
    await readAll(await open({ data }));
    const { data: given } = await filled({ sealKey: NO_KEY });
    expect((await (await open({ data: given })).accept(false)).setAside).toHaveLength(5);
    expect((await (await open({ data: given })).pins.of('demo')).size).toBe(0);
  });

  it('goes over to another key, and to none', async () => {
    const { data } = await filled();
    const sealKey = Buffer.alloc(32, 'other');
    expect(await (await open({ data, sealKey })).accept(true)).toMatchObject({ adopted: 5 });
    await readAll(await open({ data, sealKey }));
    await refused(await open({ data }));
    expect(await (await open({ data, sealKey: NO_KEY })).accept(true)).toMatchObject({ adopted: 5 });
    await readAll(await open({ data, sealKey: NO_KEY }));
  });

  it('where nothing is sealed sets damaged state aside', async () => {
    const { data } = await filled({ sealKey: NO_KEY });
    await writeFile(await pathOf(data, '/pins/2a/'), '{');
    await refused(await open({ data, sealKey: NO_KEY }));
    expect(await (await open({ data, sealKey: NO_KEY })).accept(false)).toMatchObject({
      kept: 4,
      setAside: ['pins/2a/demo'],
    });
    expect((await (await open({ data, sealKey: NO_KEY })).pins.of('demo')).size).toBe(0);
  });

  it('sets a trust aside whose documents are gone', async () => {
    for (const sealKey of [KEY, NO_KEY]) {
      const { data, trust } = await filled({ sealKey });
      await trust.publish(trustOf(1), undefined);
      await rm(join(data, 'indexes', 'main', 'tuf', 'documents'), { recursive: true });
      expect(await refusalOf(trust.load())).toMatchObject({ reason: 'state' });
      expect(await (await open({ data, sealKey })).accept(false)).toMatchObject({ kept: 6, setAside: ['tuf'] });
      expect(await (await open({ data, sealKey })).trust.load()).toBeUndefined();
    }
  });

  it('that was cut short at any step is done again', async () => {
    for (let at = 1; ; at++) {
      const disk = failingDisk(at);
      const where = { data: '/v/data', ops: disk.ops };
      await filled({ ...where, sealKey: NO_KEY }, ['demo']);
      const store = await open(where);
      disk.arm();
      const done = await store.accept(true).then(
        () => true,
        () => false,
      );
      disk.disarm();
      if (!done) await (await open(where)).accept(true);
      await readAll(await open(where), ['demo']);
      if (!disk.hit()) return;
    }
  }, 90_000);
});
