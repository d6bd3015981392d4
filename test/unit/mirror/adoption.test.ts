import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { Adoption } from '../../../src/mirror/unsigned/adoption.ts';
import { sharingStore } from '../../../src/mirror/unsigned/sharing-store.ts';
import type { PageContent, PageState } from '../../../src/ports/index-state.ts';
import { workHere } from '../../../src/ports/page-work.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { createPageStore } from '../../../src/state/pages.ts';
import { createMemoryState } from '../../support/memory-state.ts';

const NOW = 2_000_000_000;

/** A page with files of these versions; each with the digest of its version, or another. */
function pageOf(files: Readonly<Record<string, string>>, rest: Partial<PageContent> = {}): PageContent {
  const lines = Object.entries(files).map(([version, digest]) => ({
    filename: `alpha-${version}.tar.gz`,
    url: `https://files.example/alpha-${version}.tar.gz`,
    hashes: { sha256: digest.repeat(64) },
  }));
  const page = { meta: { 'api-version': '1.1' }, name: 'alpha', files: lines };
  return {
    project: 'alpha',
    bytes: Buffer.from(JSON.stringify(page)),
    contentType: 'application/vnd.pypi.simple.v1+json',
    etag: undefined,
    serial: undefined,
    seenSerial: undefined,
    fetchedAt: NOW - 100,
    confirmedAt: NOW - 100,
    twice: false,
    fetch: 'theirs',
    ...rest,
  };
}

function replica(theirs?: PageState) {
  const store = createPageStore(createIndexState({ storage: createMemoryState().party(), index: 'main' }));
  const there: { state: PageState | undefined } = { state: theirs };
  const told: PageState[] = [];
  const untold = new Set<string>();
  const common = {
    find: async () => there.state,
    stored: (_: string, state: PageState) => void told.push(state),
    isUntold: (project: string) => untold.has(project),
  };
  const changes: string[] = [];
  const adoption = new Adoption({
    index: 'main',
    common,
    store,
    work: workHere,
    clock: { now: () => NOW, judged: () => NOW },
    reports: { changes: (_, all) => void changes.push(...all.map(({ kind }) => kind)) },
  });
  const hold = async (page: PageContent) => {
    const record = await store.save({ ...page, fetch: 'ours', version: 0 });
    if (record === undefined) throw new Error('it was not stored');
    return record;
  };
  return { store, common, adoption, told, untold, changes, hold, there };
}

const A = { '1.0': 'a' };
const AB = { '1.0': 'a', '2.0': 'b' };
const OTHER = { '1.0': 'c' };

describe('of a project that nothing is held of', () => {
  it('the page of others is taken as it is, and is stored with what is drawn of it', async () => {
    const { adoption, store } = replica({ page: pageOf(A, { seenSerial: 7, serial: 5, twice: true }) });
    const taken = await adoption.first('alpha');
    expect(taken?.record).toMatchObject({ seenSerial: 7, serial: 5, twice: true, fetch: 'theirs' });
    expect(await store.load('alpha')).toBeUndefined();
    await taken?.unsaved.save();
    expect((await store.load('alpha'))?.bytes).toEqual(taken?.record.bytes);
  });

  it('a clock elsewhere that is ahead makes nothing fresher, and what an operator let through elsewhere is not let through here', async () => {
    const accepted = [{ kind: 'vanished' }];
    const { adoption } = replica({ page: pageOf(A, { fetchedAt: NOW + 9, confirmedAt: NOW + 9, accepted }) });
    const taken = await adoption.first('alpha');
    expect(taken?.record).toMatchObject({ fetchedAt: NOW, confirmedAt: NOW });
    expect(taken?.record.accepted).toBeUndefined();
  });

  it.each([
    ['older than when it went', 6, false],
    ['as old', 7, false],
    ['newer', 8, true],
    ['without a serial', undefined, false],
  ])('and that was gone a page that is %s is taken: %s', async (_, seenSerial, isTaken) => {
    const { adoption, store, hold } = replica({ page: pageOf(A, { seenSerial }) });
    await store.remove(await hold(pageOf(A, { serial: 7, seenSerial: 7 })));
    expect((await adoption.first('alpha')) !== undefined).toBe(isTaken);
  });

  it.each([
    ['the same', A, 5, true],
    ['newer', AB, 6, true],
    ['older', AB, 4, false],
    ['another, and nobody knows which is newer', AB, undefined, false],
  ])('and whose page was let go one that is %s is taken: %s', async (_, files, seenSerial, isTaken) => {
    const { adoption, store, hold } = replica({ page: pageOf(files, { seenSerial }) });
    const { bytes, ...rest } = await hold(pageOf(A, { seenSerial: 5, serial: 5 }));
    await store.save({ ...rest, bytes, etag: 'another', letGo: { sha256: sha256Hex(bytes), size: bytes.byteLength } });
    const taken = await adoption.first('alpha');
    expect(taken !== undefined).toBe(isTaken);
    if (taken !== undefined) expect(taken.record.serial).toBe(5);
  });

  it('and that is gone elsewhere nothing is taken, and the floor that is left there holds here', async () => {
    const { adoption, common, store } = replica({ gone: { serial: 9 } });
    expect(await adoption.first('alpha')).toBeUndefined();
    expect(await sharingStore(store, common).gone('alpha')).toEqual({ serial: 9, version: 0 });
  });
});

describe('of a page that is held', () => {
  it.each<readonly [string, PageContent, PageContent, string]>([
    ['the same', pageOf(A, { seenSerial: 5 }), pageOf(A, { seenSerial: 5 }), 'known'],
    ['one of a higher serial', pageOf(A, { seenSerial: 5 }), pageOf(AB, { seenSerial: 6 }), 'newer'],
    ['one of a higher serial that takes away', pageOf(AB, { seenSerial: 5 }), pageOf(A, { seenSerial: 6 }), 'newer'],
    ['one of a lower serial', pageOf(A, { seenSerial: 5 }), pageOf(AB, { seenSerial: 4 }), 'older'],
    ['one of the same serial that adds', pageOf(A, { seenSerial: 5 }), pageOf(AB, { seenSerial: 5 }), 'newer'],
    ['one of the same serial that takes away', pageOf(AB, { seenSerial: 5 }), pageOf(A, { seenSerial: 5 }), 'unusable'],
    ['one without serials that adds', pageOf(A), pageOf(AB), 'newer'],
    ['one without serials that takes away', pageOf(AB), pageOf(A), 'unusable'],
    ['one without serials with another digest', pageOf(A), pageOf(OTHER), 'unusable'],
  ])('%s: as it should be', async (_, ours, theirs, result) => {
    const { adoption, hold, store } = replica({ page: theirs });
    const held = await hold(ours);
    const { heard, record } = await adoption.newer(held);
    expect(heard).toBe(result);
    const expected = result === 'newer' ? theirs : ours;
    expect(Buffer.from(record.bytes)).toEqual(expected.bytes);
    expect(Buffer.from((await store.load('alpha'))?.bytes ?? [])).toEqual(expected.bytes);
  });

  it('a serial floor is raised by one of others, and never lowered', async () => {
    const { adoption, hold, there } = replica({ page: pageOf(A, { serial: 6, seenSerial: 7, twice: true }) });
    const held = await hold(pageOf(A, { serial: 5, seenSerial: 5 }));
    const raised = await adoption.newer(held);
    expect(raised).toMatchObject({ heard: 'newer', record: { serial: 6, seenSerial: 7, twice: true, fetch: 'ours' } });
    there.state = { page: pageOf(A, { serial: 1, seenSerial: 2 }) };
    expect(await adoption.newer(raised.record)).toMatchObject({ heard: 'known', record: { serial: 6, seenSerial: 7 } });
    there.state = { page: pageOf(AB, { serial: 1, seenSerial: 8 }) };
    expect((await adoption.newer(raised.record)).record).toMatchObject({ serial: 6, seenSerial: 8 });
  });

  it('that others confirmed since counts as confirmed then, and no later than now', async () => {
    const { adoption, hold } = replica({ page: pageOf(A, { confirmedAt: NOW + 50 }) });
    const held = await hold(pageOf(A, { confirmedAt: NOW - 500 }));
    expect(await adoption.newer(held)).toMatchObject({ heard: 'known', record: { confirmedAt: NOW } });
  });

  it('an older one of others gives way to what is held', async () => {
    const { adoption, hold, told } = replica({ page: pageOf(AB, { seenSerial: 4 }) });
    const held = await hold(pageOf(A, { seenSerial: 5 }));
    await adoption.newer(held);
    expect(told).toEqual([{ page: held }]);
  });

  it('what is taken is told as what it changes, and not told to others again', async () => {
    const { adoption, hold, changes, told } = replica({ page: pageOf(OTHER, { seenSerial: 6 }) });
    await adoption.newer(await hold(pageOf(A, { seenSerial: 5 })));
    expect(changes).toEqual(['changed']);
    expect(told).toEqual([]);
  });

  it.each([
    ['with a higher serial', 9, 'unusable'],
    ['with a lower one', 4, 'older'],
  ])('a project that is gone elsewhere %s is not taken away by that', async (_, serial, result) => {
    const { adoption, hold, store } = replica({ gone: { serial } });
    const held = await hold(pageOf(A, { seenSerial: 5 }));
    expect((await adoption.newer(held)).heard).toBe(result);
    expect(await store.load('alpha')).toBeDefined();
  });

  it('that was changed meanwhile stays as it is now', async () => {
    const { adoption, hold, store } = replica({ page: pageOf(AB, { seenSerial: 6 }) });
    const held = await hold(pageOf(A, { seenSerial: 5 }));
    const newest = await store.save({ ...held, ...pageOf(AB, { seenSerial: 7 }), version: held.version });
    expect((await adoption.newer(held)).heard).toBe('unusable');
    expect((await store.load('alpha'))?.version).toBe(newest?.version);
  });
});

it('a page that others were not told of is told again where theirs is no newer, or is not there', async () => {
  const { adoption, hold, untold, told, there } = replica();
  const record = await hold(pageOf({ '1.0': 'a' }, { serial: 5, seenSerial: 5 }));
  expect((await adoption.newer(record)).heard).toBe('unusable');
  expect(told).toEqual([]);
  untold.add('alpha');
  expect((await adoption.newer(record)).heard).toBe('known');
  there.state = { page: pageOf({ '1.0': 'a' }, { serial: 5, seenSerial: 5 }) };
  expect((await adoption.newer(record)).heard).toBe('known');
  expect(told).toEqual([{ page: record }, { page: record }]);
  there.state = { page: pageOf({ '1.0': 'a', '2.0': 'b' }, { serial: 6, seenSerial: 6 }) };
  await adoption.newer(record);
  expect(told).toHaveLength(2);
});
