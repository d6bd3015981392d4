import type { Worker } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import { createShares } from '../../../src/async/shares.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { makeExpected } from '../../../src/bytes/expected.ts';
import { lend } from '../../../src/bytes/proof.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type PageSteps, type PageWork, workHere } from '../../../src/ports/page-work.ts';
import { type Listing, without } from '../../../src/pypi/listing.ts';
import type { Bodies } from '../../../src/render/bodies.ts';
import { makePage } from '../../../src/render/page.ts';
import { createPageWork, type PageWorkOptions } from '../../../src/workers/page-work.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { cpuTime, onThisMachine } from '../../support/cpu.ts';
import { largeList, largePage } from '../../support/large.ts';
import { whole } from '../../support/whole-page.ts';

const PROJECT = 'sampleproject';
const pageUrl = `https://index.example/simple/${PROJECT}/`;
const small = { project: PROJECT, bytes: largePage(PROJECT, 600), pageUrl };

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const work of open.splice(0)) await work.close();
});

/** Everything goes to another thread, however small. */
function threaded(options: PageWorkOptions = {}) {
  const workers: Worker[] = [];
  const work = createPageWork({ large: 0, started: (worker) => workers.push(worker), ...options });
  open.push(work);
  return { work, workers };
}

const keepAll: PageSteps = {
  enforce: async (listing) => ({ listing, withheld: new Map(), silenced: new Map() }),
};

/** Withholds one file and silences another, as pins that disagree do. */
const enforceSome: PageSteps = {
  async enforce(listing) {
    const [first = '', second = ''] = listing.files.keys();
    const why = new Refusal('changed', 'changed', { subject: 'file' });
    const notServed = { withheld: new Map([[first, why]]), silenced: new Map([[second, why]]) };
    return { listing: without(listing, notServed), ...notServed };
  },
};

/** Every file of it was first seen now. */
const timed: PageSteps = {
  async enforce(listing) {
    const times = new Map([...listing.files.keys()].map((name) => [name, '2026-11-26T12:00:00Z']));
    return { ...(await keepAll.enforce(listing)), times };
  },
};

const bytesOf = async (bodies: Bodies) =>
  (await whole(makePage(bodies))).variants().map(({ body }) => [body.etag, sha256Hex(lend(body.bytes))]);

const draw = (work: PageWork, steps: PageSteps = keepAll) => work.drawPage(small, steps, client());

it.each([
  ['all of a page', keepAll],
  ['a page with withheld files', enforceSome],
  ['a page with upload-times of ours', timed],
  ['a hidden page', { enforce: async (listing: Listing) => ({ ...(await keepAll.enforce(listing)), hidden: true }) }],
])('draws %s to the same bytes on another thread, and hands over the same listing', async (_, steps) => {
  const { work, workers } = threaded();
  const [there, here] = [await draw(work, steps), await draw(workHere, steps)];
  expect(workers).toHaveLength(1);
  expect(await bytesOf(there.bodies)).toEqual(await bytesOf(here.bodies));
  expect(there.listing).toEqual(here.listing);
});

it('asks for the digests that the page does not state, and draws with them', async () => {
  const { work } = threaded();
  const html = Buffer.from('<!DOCTYPE html><a href="foo-1.0.tar.gz">foo-1.0.tar.gz</a>');
  const source = { project: 'foo', bytes: html, pageUrl: 'https://index.example/simple/foo/' };
  const asked: string[] = [];
  const steps: PageSteps = {
    ...keepAll,
    async undigested({ names }) {
      asked.push(...names);
      const known = makeExpected({ length: 3, digests: new Map([['sha256', 'ab'.repeat(32)]]) });
      return { known: new Map([['foo-1.0.tar.gz', known]]), others: 'no-digest' };
    },
  };
  const there = await work.drawPage(source, steps, client());
  expect(asked).toEqual(['foo-1.0.tar.gz']);
  expect(await bytesOf(there.bodies)).toEqual(await bytesOf((await workHere.drawPage(source, steps, client())).bodies));
});

it('draws a list to the same bytes on another thread', async () => {
  const { work, workers } = threaded();
  const there = await work.drawList(largeList(20_000), client());
  expect(workers).toHaveLength(1);
  expect(await bytesOf(there)).toEqual(await bytesOf(await workHere.drawList(largeList(20_000), client())));
});

it('reads what a list counts on another thread as it does here', async () => {
  const { work, workers } = threaded();
  const here = await workHere.serials(countedList(20_000), client());
  const there = await work.serials(countedList(20_000), client());
  expect([workers.length, there.size, here.size]).toEqual([1, 20_000, 20_000]);
  expect(here.get('project-19999')).toBe(20_000);
  const names = Array.from({ length: 20_000 }, (_, at) => `project-${at}`);
  expect(names.filter((name) => there.get(name) !== here.get(name))).toEqual([]);
  for (const name of ['', 'a', 'project-', 'project-20000', 'project-00', 'z', 'prójekt'])
    expect(there.get(name)).toBeUndefined();
});

/** As PyPI writes it, a count for each project. */
function countedList(projects: number): Uint8Array {
  const listed = Array.from({ length: projects }, (_, at) => ({ '_last-serial': at + 1, name: `project-${at}` }));
  return Buffer.from(JSON.stringify({ meta: { 'api-version': '1.4' }, projects: listed }));
}

it('compares two pages as it does here', async () => {
  const { work } = threaded();
  const before = { bytes: small.bytes, serial: 5 };
  const after = { bytes: largePage(PROJECT, 590), serial: 4 };
  const there = await work.compare(PROJECT, before, after, client());
  expect(there).toEqual(await workHere.compare(PROJECT, before, after, client()));
  expect(there.losses.map(({ kind }) => kind)).toContain('serial-lower');
  expect(there.losses.filter(({ kind }) => kind === 'file')).toHaveLength(10);
});

it.each([
  ['format', Buffer.from('{"meta":')],
  ['foreign', largePage('another', 1)],
] as const)('refuses for the same reason from another thread: %s', async (reason, bytes) => {
  const { work } = threaded();
  const refused = { reason, subject: 'page' };
  await expect(work.drawPage({ ...small, bytes }, keepAll, client())).rejects.toMatchObject(refused);
  await expect(work.compare(PROJECT, undefined, { bytes, serial: undefined }, client())).rejects.toMatchObject(refused);
  await expect(work.drawList(Buffer.from('no list'), client())).rejects.toBeInstanceOf(Refusal);
  // And goes on.
  expect((await draw(work)).listing.files.size).toBe(600);
});

it('leaves a small page where it is', async () => {
  const { work, workers } = threaded({ large: small.bytes.byteLength + 1 });
  await draw(work);
  expect(workers).toEqual([]);
});

it('what goes wrong between the steps is thrown, and leaves nothing open', async () => {
  const { work } = threaded();
  const wrong = new Error('pins');
  await expect(draw(work, { enforce: () => Promise.reject(wrong) })).rejects.toBe(wrong);
  expect((await draw(work)).listing.files.size).toBe(600);
});

it('a thread that dies fails what it was at with `limit`, and is replaced', async () => {
  const { work, workers } = threaded();
  const dying = draw(work, {
    async enforce(listing) {
      await workers[0]?.terminate();
      return keepAll.enforce(listing);
    },
  });
  await expect(dying).rejects.toMatchObject({ reason: 'limit', transient: true });
  expect((await draw(work)).listing.files.size).toBe(600);
  expect(workers).toHaveLength(2);
});

it('a page that takes too much memory or time ends its thread, not the mirror', async () => {
  const hungry = threaded({ heapMb: 8 });
  await expect(hungry.work.drawList(largeList(200_000), client())).rejects.toMatchObject({
    reason: 'limit',
    transient: true,
  });
  const slow = threaded({ stepMs: 1 });
  await expect(slow.work.drawList(largeList(200_000), client())).rejects.toMatchObject({
    reason: 'limit',
    transient: true,
  });
});

it('takes on only so many at once, and tells the rest to come again', async () => {
  const { work } = threaded({ shares: createShares({ pages: { places: 1, queue: 1 } }) });
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  let arrived = () => {};
  const atWork = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const first = draw(work, {
    async enforce(listing) {
      arrived();
      await gate;
      return keepAll.enforce(listing);
    },
  });
  await atWork;
  const second = draw(work);
  await expect(draw(work)).rejects.toMatchObject({ reason: 'limit', transient: true });
  go();
  expect((await first).listing.files.size).toBe(600);
  expect((await second).listing.files.size).toBe(600);
});

it('pages, lists and legacy JSON wait for none of each other', async () => {
  const { work } = threaded({ shares: createShares({ pages: { places: 1, queue: 0 } }) });
  const { promise: held, resolve: go } = Promise.withResolvers<void>();
  const { promise: atWork, resolve: arrived } = Promise.withResolvers<void>();
  const page = draw(work, {
    async enforce(listing) {
      arrived();
      await held;
      return keepAll.enforce(listing);
    },
  });
  await atWork;
  await work.drawList(largeList(1000), client());
  go();
  expect((await page).listing.files.size).toBe(600);
});

it('an index whose pages take long holds up no other', async () => {
  const { work, workers } = threaded({ shares: createShares({}, { indexes: 2 }) });
  const { promise: held, resolve: go } = Promise.withResolvers<void>();
  const { promise: atWork, resolve: arrived } = Promise.withResolvers<void>();
  const waits = {
    ...keepAll,
    async enforce(listing: Parameters<typeof keepAll.enforce>[0]) {
      arrived();
      await held;
      return keepAll.enforce(listing);
    },
  };
  const slow = [1, 2, 3].map((n) => work.drawPage(small, waits, client({ index: 'slow', party: `192.0.2.${n}` })));
  await atWork;
  expect((await work.drawPage(small, keepAll, client({ index: 'other' }))).listing.files.size).toBe(600);
  expect(workers).toHaveLength(2);
  go();
  await Promise.all(slow);
});

it('whoever leaves before its turn is not waited for, and nothing is done for it', async () => {
  const { work } = threaded({ shares: createShares({ pages: { places: 1 } }) });
  const { promise: held, resolve: go } = Promise.withResolvers<void>();
  const { promise: atWork, resolve: arrived } = Promise.withResolvers<void>();
  const first = draw(work, {
    async enforce(listing) {
      arrived();
      await held;
      return keepAll.enforce(listing);
    },
  });
  await atWork;
  const { caller, leave } = leavingClient();
  let enforced = 0;
  const second = work.drawPage(
    small,
    {
      enforce(listing) {
        enforced++;
        return keepAll.enforce(listing);
      },
    },
    caller,
  );
  leave();
  await expect(second).rejects.toThrow('left');
  go();
  await first;
  expect((await draw(work)).listing.files.size).toBe(600);
  expect(enforced).toBe(0);
});

it('an idle thread ends, and its memory with it; the next page starts another', async () => {
  const { work, workers } = threaded({ idleMs: 0 });
  await draw(work);
  await new Promise<void>((resolve) => workers[0]?.once('exit', () => resolve()));
  await draw(work);
  expect(workers).toHaveLength(2);
});

it('a page of 10,000 files and a list of 800,000 names hold no other request up for 50 ms', {
  timeout: 120_000,
}, async () => {
  const { work } = threaded();
  const [page, list, counted] = [largePage(PROJECT, 10_000), largeList(800_000), countedList(800_000)];
  // Once to warm up: what counts is what the work costs, not the first compilation of it.
  await draw(work);
  const longest = await longestTurn(async () => {
    await Promise.all([
      work.drawPage({ ...small, bytes: page }, keepAll, client()),
      work.serials(counted, client()).then(() => work.drawList(list, client())),
    ]);
  });
  expect(longest).toBeLessThan(onThisMachine(50));
});

/** The most CPU time this thread spent between two timers due at once until the work was done. Milliseconds. */
async function longestTurn(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let done = false;
  let before = cpuTime();
  const turn = () => {
    const now = cpuTime();
    longest = Math.max(longest, now - before);
    before = now;
    if (!done) setTimeout(turn);
  };
  setTimeout(turn);
  await work();
  done = true;
  return longest;
}

it('makes the same legacy JSON on another thread, without what is withheld', async () => {
  const { work, workers } = threaded();
  const { listing, withheld } = await draw(workHere, enforceSome);
  const upstream = Buffer.from(JSON.stringify({ info: { version: listing.versions[0] }, last_serial: 7 }));
  const base = 'https://mirror.example/';
  const source = { ...small, listing, withheld: new Set(withheld.keys()), upstream, base };
  for (const version of [undefined, listing.versions[0], 'none such']) {
    const [there, here] = [
      await work.drawLegacy({ ...source, version }, client()),
      await workHere.drawLegacy({ ...source, version }, client()),
    ];
    expect(there && String(Buffer.from(there))).toBe(here && String(here));
  }
  expect(workers).toHaveLength(1);
});

it('makes the same legacy JSON of files that the page states no digest of', async () => {
  const { work } = threaded();
  const names = ['foo-1.0.tar.gz', 'foo-2.0.tar.gz', 'foo-3.0.tar.gz', 'foo-4.0.tar.gz'];
  const html = Buffer.from(`<!DOCTYPE html>${names.map((name) => `<a href="${name}">${name}</a>`).join('')}`);
  const source = { project: 'foo', bytes: html, pageUrl: 'https://index.example/simple/foo/' };
  const digests = new Map([['sha256', 'ab'.repeat(32)]] as const);
  const known = new Map([
    ['foo-1.0.tar.gz', { digests, firstSight: true as const }],
    ['foo-2.0.tar.gz', { digests }],
    ['foo-4.0.tar.gz', { digests, carried: 'as carried by outside on 2026-01-01' as const }],
  ]);
  const undigested = { known, others: 'first-sight' as const };
  const { listing } = await work.drawPage(source, { ...keepAll, undigested: async () => undigested }, client());
  const legacy = {
    ...source,
    listing,
    withheld: new Set<string>(),
    upstream: undefined,
    version: undefined,
    base: 'https://m/',
  };
  const there = await work.drawLegacy(legacy, client());
  expect(there).toEqual(Uint8Array.from((await workHere.drawLegacy(legacy, client())) ?? []));
  for (const at of ['first-sight/foo-1.0', `${'ab'.repeat(32)}/foo-2.0`, 'first-sight/foo-3.0', 'first-sight/foo-4.0'])
    expect(String(Buffer.from(there ?? []))).toContain(`/files/foo/${at}`);
});
