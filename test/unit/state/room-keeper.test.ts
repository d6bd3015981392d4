import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import type { Event } from '../../../src/ports/events.ts';
import type { IndexState, PageContent, Pin } from '../../../src/ports/index-state.ts';
import { workHere } from '../../../src/ports/page-work.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { StateRoomKeeper } from '../../../src/state/room-keeper.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { flipValue, party, scratchDirectory } from '../disk/state/rig.ts';

const MOST = 1024 * 1024;

/** A page that hardly shrinks, but for what the next one is not held to. */
function pageOf(project: string, size = 20_000): PageContent {
  const filename = `${project}-1.0-py3-none-any.whl`;
  const files = [{ filename, url: filename, hashes: { sha256: 'a'.repeat(64) }, size: 1 }];
  const bytes = Buffer.from(JSON.stringify({ name: project, files, junk: randomBytes(size / 2).toString('hex') }));
  const times = { fetchedAt: 1000, confirmedAt: 1000 };
  return {
    project,
    bytes,
    contentType: 'application/json',
    etag: '"a"',
    serial: 7,
    seenSerial: 8,
    ...times,
    twice: true,
    fetch: 'f',
  };
}

function pinsOf(project: string, provisional: boolean): ReadonlyMap<string, Pin> {
  const pin: Pin = { digests: new Map([['sha256', 'a'.repeat(64)]]), seen: 1, ...(provisional && { provisional }) };
  return new Map([[`${project}-1.0-py3-none-any.whl`, pin]]);
}

async function start(maxBytes = MOST) {
  const root = await scratchDirectory();
  const { state: storage } = await party(root, { maxBytes });
  const state = createIndexState({ storage, index: 'main' });
  const events: Event[] = [];
  const keeper = new StateRoomKeeper({
    room: storage,
    state,
    work: workHere,
    emit: (event) => void events.push(event),
  });
  storage.keepRoom('main', keeper);
  return {
    root,
    storage,
    state,
    keeper,
    rooms: () => events.flatMap((event) => (event.name === 'stateRoom' ? [event.room] : [])),
    faults: () => events.filter(({ name }) => name === 'faulted'),
    async put(
      project: string,
      { sent = false, pinned = true, size }: { sent?: boolean; pinned?: boolean; size?: number } = {},
    ) {
      await state.page(project).change(() => ({ page: pageOf(project, size) }));
      if (pinned) await state.pins(project).change(() => pinsOf(project, !sent));
    },
  };
}

async function isWhole(state: IndexState, project: string): Promise<boolean> {
  const page = (await state.page(project).read())?.value.page;
  return page !== undefined && page.letGo === undefined;
}

describe('room in the state of an index', () => {
  it('is made of pages that nobody was sent a file of, however new they are, and of no floor and no pin', async () => {
    const { state, put, keeper, rooms, faults } = await start();
    const used = Array.from({ length: 10 }, (_, at) => `used-${at}`);
    for (const name of used) await put(name, { sent: true });
    for (let at = 0; at < 250; at++) await put(`asked-${at}`);
    await keeper.makeRoom();
    expect(faults()).toEqual([]);
    for (const name of used) expect([name, await isWhole(state, name)]).toEqual([name, true]);
    for (let at = 0; at < 250; at++) {
      const name = `asked-${at}`;
      const page = (await state.page(name).read())?.value.page;
      expect(page).toMatchObject({ serial: 7, seenSerial: 8, twice: true, fetch: 'f' });
      expect((await state.pins(name).read())?.value).toEqual(pinsOf(name, true));
    }
    // Those that were asked for last are whole.
    expect(await isWhole(state, 'asked-249')).toBe(true);
    expect(await isWhole(state, 'asked-0')).toBe(false);
    expect(rooms()[0]).toBe('crowded');
    expect(rooms()).toContain('ample');
    expect(rooms()).not.toContain('full');
  });

  it('is made of what is in use once there is nothing else, longest unused first', async () => {
    const { state, put, keeper } = await start();
    const names = Array.from({ length: 130 }, (_, at) => `p${at}`);
    for (const name of names) await put(name, { sent: true });
    await keeper.makeRoom();
    expect(await isWhole(state, 'p0')).toBe(false);
    expect(await isWhole(state, 'p129')).toBe(true);
  });

  it('is made, where nothing is pinned, of pages that were not asked for again', async () => {
    const { state, put, keeper } = await start();
    await put('again', { pinned: false });
    await put('again', { pinned: false });
    for (let at = 0; at < 120; at++) await put(`once-${at}`, { pinned: false });
    await keeper.makeRoom();
    expect(await isWhole(state, 'again')).toBe(true);
    expect(await isWhole(state, 'once-0')).toBe(false);
  });

  it('ends where only floors and pins are left: new projects are refused, said once, and what is known goes on', async () => {
    const { state, put, storage, keeper, rooms } = await start(512 * 1024);
    let made = 0;
    await expect(
      (async () => {
        for (; made < 5000; made++) await put(`p${made}`, { size: 2000 });
      })(),
    ).rejects.toMatchObject({ reason: 'limit', subject: 'state' });
    const { contents, bytes, limit } = await storage.usage('main');
    expect(contents.pages.entries).toBe(0);
    expect(bytes).toBeLessThanOrEqual(limit);
    // Whole pages alone would have been a fraction of that.
    expect(made).toBeGreaterThan((3 * limit) / pageOf('p').bytes.byteLength);
    for (let again = 0; again < 5; again++) await expect(put('new')).rejects.toMatchObject({ reason: 'limit' });
    expect(rooms().filter((room) => room === 'full')).toHaveLength(1);
    expect((await state.page('p0').read())?.value.page?.serial).toBe(7);
    await state.page('p0').change((was) => was?.value.page && { page: { ...was.value.page, serial: 9 } });
    expect((await state.page('p0').read())?.value.page?.serial).toBe(9);
    await keeper.close();
    expect(await keeper.makeRoom()).toBe(false);
  });

  it('is made around what is damaged', async () => {
    const { root, state, put, keeper, faults } = await start();
    for (let at = 0; at < 20; at++) await put(`p${at}`, { size: 1000 });
    flipValue(root, ['main', 'pages', 'p3']);
    for (let at = 300; at < 400; at++) await put(`p${at}`);
    await keeper.makeRoom();
    expect(faults()).toEqual([]);
    expect(await isWhole(state, 'p4')).toBe(false);
    await expect(state.page('p3').read()).rejects.toMatchObject({ reason: 'state' });
  });

  describe('of a storage that names one page', () => {
    const full = { bytes: 100, limit: 100 };
    async function named(version: number, over: Partial<Pick<IndexState, 'page'>> = {}) {
      const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
      await state.page('p').change(() => ({ page: pageOf('p') }));
      const contents = { ...(await (await start()).storage.usage('main')).contents, pages: { entries: 1, bytes: 1 } };
      const faults: unknown[] = [];
      let condensed = 0;
      const keeper = new StateRoomKeeper({
        room: {
          usage: async () => ({ ...full, contents }),
          oldestPages: async () => ({ items: [{ item: ['main', 'pages', 'p'], version }], next: 0, isEnd: true }),
        },
        state: {
          index: 'main',
          page: (project) => state.page(project),
          pins: (project) => state.pins(project),
          ...over,
        },
        work: {
          async condense() {
            condensed++;
            return undefined;
          },
        },
        emit: (event) => void (event.name === 'faulted' && faults.push(event.error)),
      });
      expect(await keeper.makeRoom()).toBe(false);
      return { faults, condensed };
    }

    it('what would not become less stays, and is no fault', async () => {
      expect(await named(1)).toEqual({ faults: [], condensed: 2 });
    });

    it('a page that was written meanwhile is not looked into', async () => {
      expect(await named(7)).toEqual({ faults: [], condensed: 0 });
    });

    it.each([new Refusal('state', 'away', { transient: true }), new Refusal('limit', 'no room')])(
      'a pass ends where the storage refuses for now, or has no room itself: $reason',
      async (refusal) => {
        const { page } = createIndexState({ storage: createMemoryState().party(), index: 'main' });
        const refusing = { ...page('p'), read: () => Promise.reject(refusal) };
        expect((await named(1, { page: () => refusing })).faults).toEqual([refusal]);
      },
    );
  });
});
