import { describe, expect, it } from 'vitest';
import { type PageRecord, type PageStore, type Pin, Superseded } from '../../../src/ports/index-state.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { createPageStore } from '../../../src/state/pages.ts';
import { createPins } from '../../../src/state/pins.ts';
import { createMemoryState, type MemoryState } from '../../support/memory-state.ts';

const HOUR = 3600;
const PIN: Pin = { digests: new Map([['sha256', 'a'.repeat(64)]]), seen: 1 };
const ITEM = ['main', 'pages', 'demo'] as const;

function record(over: Partial<PageRecord> = {}): PageRecord {
  return {
    project: 'demo',
    version: 0,
    bytes: Buffer.from('{"name":"demo"}'),
    contentType: 'application/vnd.pypi.simple.v1+json',
    etag: '"a"',
    serial: 7,
    seenSerial: 8,
    fetchedAt: 1000,
    confirmedAt: 2000,
    twice: true,
    fetch: 'f1',
    ...over,
  };
}

function storeIn(memory: MemoryState): PageStore {
  return createPageStore(createIndexState({ storage: memory.party(), index: 'main' }));
}

async function saved(store: PageStore, page: PageRecord): Promise<PageRecord> {
  const stored = await store.save(page);
  if (stored === undefined) throw new Error('superseded');
  return stored;
}

describe('pages', () => {
  it('come back as they were saved, and are followed by the next', async () => {
    const memory = createMemoryState();
    const store = storeIn(memory);
    expect(await store.load('demo')).toBeUndefined();
    const first = await saved(store, record());
    expect(first).toEqual(record({ version: 1 }));
    expect(await storeIn(memory).load('demo')).toEqual(first);
    const second = await saved(store, { ...first, bytes: Buffer.from('new'), fetch: 'f2' });
    expect(second.version).toBe(2);
    expect(await storeIn(memory).load('demo')).toEqual(second);
  });

  it('that were only confirmed again are written once an hour', async () => {
    const memory = createMemoryState();
    const store = storeIn(memory);
    const first = await saved(store, record());
    const again = await saved(store, { ...first, fetchedAt: 4000, confirmedAt: 2000 + HOUR - 1, maxAge: 60 });
    expect(again.version).toBe(1);
    expect(again.confirmedAt).toBe(2000 + HOUR - 1);
    expect((await storeIn(memory).load('demo'))?.confirmedAt).toBe(2000);
    const later = await saved(store, { ...again, confirmedAt: 2000 + HOUR });
    expect((await storeIn(memory).load('demo'))?.confirmedAt).toBe(2000 + HOUR);
    await saved(store, { ...later, twice: false });
    expect((await storeIn(memory).load('demo'))?.twice).toBe(false);
  });

  it('say every change of theirs, whichever member it is in', async () => {
    const changes: readonly Partial<PageRecord>[] = [
      { bytes: Buffer.from('other') },
      { url: 'https://elsewhere/' },
      { contentType: 'text/html' },
      { etag: undefined },
      { serial: 8 },
      { seenSerial: 9 },
      { twice: false },
      { fetch: 'f2' },
      { accepted: [{ kind: 'file', file: 'f', after: 'gone' }] },
    ];
    for (const change of changes) {
      const memory = createMemoryState();
      const store = storeIn(memory);
      const next = await saved(store, { ...(await saved(store, record())), ...change });
      expect(next.version).toBe(2);
      expect(await storeIn(memory).load('demo')).toEqual(next);
    }
  });

  it('that somebody else changed are not written over: whoever saves is told, and begins again from what is there', async () => {
    const memory = createMemoryState();
    const [server, command] = [storeIn(memory), storeIn(memory)];
    const before = await saved(server, record());
    expect(await server.isCurrent(before)).toBe(true);
    const accepted = [{ kind: 'file', file: 'f', after: 'gone' }];
    const theirs = await command.load('demo');
    await saved(command, { ...(theirs ?? before), accepted });
    expect(await server.isCurrent(before)).toBe(false);
    // Also what would have been no news.
    for (const late of [before, { ...before, confirmedAt: 2001 }, { ...before, bytes: Buffer.from('new') }])
      expect(await server.save(late)).toBeUndefined();
    expect(await server.remove(before)).toBe(false);
    const now = await server.load('demo');
    expect(now).toMatchObject({ accepted, version: 2 });
    expect((await saved(server, { ...(now ?? before), serial: 9 })).version).toBe(3);
  });

  it('that two processes see for the first time at once: one is believed, the other looks again', async () => {
    const memory = createMemoryState();
    const stores = [storeIn(memory), storeIn(memory)];
    const results = await Promise.all(stores.map((store, at) => store.save(record({ fetch: `f${at}` }))));
    expect(results.filter((result) => result !== undefined)).toHaveLength(1);
  });

  it('of a project that is gone leave their floor, and may come back above it', async () => {
    const memory = createMemoryState();
    const store = storeIn(memory);
    const first = await saved(store, record());
    expect(await store.gone('demo')).toBeUndefined();
    expect(await store.remove(first)).toBe(true);
    expect(await store.load('demo')).toBeUndefined();
    expect(await storeIn(memory).gone('demo')).toEqual({ serial: 7, version: 2 });
    // What was under way when it went does not bring it back.
    expect(await store.save({ ...first, serial: 9 })).toBeUndefined();
    expect(await store.save(record())).toBeUndefined();
    const back = await saved(store, record({ version: 2, serial: 9 }));
    expect(await storeIn(memory).load('demo')).toEqual(back);
    expect(await store.gone('demo')).toBeUndefined();
  });

  it('that are prepared are stored with their pins, or neither is where another process was quicker', async () => {
    const memory = createMemoryState();
    const [mine, theirs] = [storeIn(memory), storeIn(memory)];
    const pins = createPins(createIndexState({ storage: memory.party(), index: 'main' }));
    const news = (file: string) => new Map([[file, PIN]]);
    const written: string[] = [];
    const prepared = await mine.prepare(record(), () => written.push('first'));
    expect(await storeIn(memory).load('demo')).toBeUndefined();
    expect([...(await pins.add('demo', news('f'), prepared?.unsaved)).keys()]).toEqual(['f']);
    expect(written).toEqual(['first']);
    expect(await storeIn(memory).load('demo')).toEqual(prepared?.record);
    await prepared?.unsaved.save();
    expect(written).toEqual(['first']);

    const next = { ...(prepared?.record ?? record()), bytes: Buffer.from('next') };
    const late = await mine.prepare(next, () => written.push('late'));
    await saved(theirs, { ...next, bytes: Buffer.from('theirs') });
    for (const store of [() => pins.add('demo', news('g'), late?.unsaved), () => late?.unsaved.save()])
      await expect(store()).rejects.toThrow(Superseded);
    expect([...(await pins.of('demo')).keys()]).toEqual(['f']);
    expect((await mine.load('demo'))?.bytes).toEqual(Buffer.from('theirs'));
    expect(written).toEqual(['first']);
    expect(await mine.prepare(next, () => undefined)).toBeUndefined();
  });

  it('that are prepared are stored with pins that another process has added to meanwhile', async () => {
    const memory = createMemoryState();
    const [mine, theirs] = [0, 1].map(() => createPins(createIndexState({ storage: memory.party(), index: 'main' })));
    expect((await mine?.of('demo'))?.size).toBe(0);
    await theirs?.add('demo', new Map([['theirs', PIN]]));
    const prepared = await storeIn(memory).prepare(record(), () => undefined);
    await mine?.add('demo', new Map([['mine', PIN]]), prepared?.unsaved);
    expect([...((await theirs?.of('demo'))?.keys() ?? [])]).toEqual(['theirs', 'mine']);
    expect(await storeIn(memory).load('demo')).toEqual(prepared?.record);
  });

  it('that are damaged are refused, never taken for none', async () => {
    const memory = createMemoryState();
    const store = storeIn(memory);
    const first = await saved(store, record());
    memory.damage(ITEM);
    for (const each of [store, storeIn(memory)]) {
      await expect(each.load('demo')).rejects.toMatchObject({ reason: 'state', transient: false });
      await expect(each.gone('demo')).rejects.toMatchObject({ reason: 'state' });
      await expect(each.save({ ...first, serial: 9 })).rejects.toMatchObject({ reason: 'state' });
      await expect(each.remove(first)).rejects.toMatchObject({ reason: 'state' });
    }
  });
});
