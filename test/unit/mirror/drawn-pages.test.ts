import { setImmediate } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeAuthenticator } from '../../../src/bytes/authentic.ts';
import { lend } from '../../../src/bytes/proof.ts';
import { GuardedCache } from '../../../src/mirror/guarded-cache.ts';
import { DrawnBodies } from '../../../src/mirror/projects/drawn-bodies.ts';
import type { ByteCache } from '../../../src/ports/byte-cache.ts';
import { type PageWork, workHere } from '../../../src/ports/page-work.ts';
import type { Policy } from '../../../src/ports/policy.ts';
import { PACKED_PAGE, type Page } from '../../../src/render/page.ts';
import { client, PLAIN } from '../../support/callers.ts';
import { largePage } from '../../support/large.ts';
import { createMemoryCache } from '../../support/memory-cache.ts';
import { policyOver } from '../../support/policies.ts';
import { createRecorder } from '../../support/recorder.ts';
import { answerOf, unsignedIndex } from '../../support/unsigned-index.ts';

// What becomes of a page that memory has no room for.

const NOW = 1_800_000_000;
const FILES = 600;
const LARGE = largePage('alpha', FILES);
const GZIP = { format: 'json', coding: 'gzip' } as const;
const ZSTD_HTML = { format: 'text-html', coding: 'zstd' } as const;
/** Room for the page's compressed bodies, and not for all that they are drawn from. */
const LEAN = 2_000_000;
/** A page of some sixty files. */
const leastBytes = 40 * 1024;
/** Room for nothing. */
const NONE = 1000;

interface Starting {
  readonly memory: number;
  readonly cache?: (cache: ByteCache) => Partial<ByteCache>;
  readonly without?: boolean;
  readonly bytes?: Uint8Array;
}

async function start({ memory, cache = () => ({}), without = false, bytes = LARGE }: Starting) {
  const drawings = { count: 0 };
  const work: PageWork = {
    ...workHere,
    drawPage(...asked) {
      drawings.count++;
      return workHere.drawPage(...asked);
    },
  };
  const time = { s: NOW };
  const rules = { version: 'first' };
  const policy: Policy = Object.assign(policyOver(), { version: () => rules.version });
  const { events, emit } = createRecorder();
  const tier = createMemoryCache({ maxBytes: 1e8, nowMs: () => time.s * 1000 });
  const authenticator = makeAuthenticator(new Uint8Array(32), PACKED_PAGE);
  const guarded = new GuardedCache({ index: 'main', cache: { ...tier, ...cache(tier) }, authenticator, emit });
  const index = await unsignedIndex({
    now: () => time.s,
    upstream: { document: async () => answerOf(bytes) },
    work,
    policy,
    memory,
    drawn: without ? undefined : new DrawnBodies([{ cache: guarded, leastBytes }], {}),
  });
  const page = async () => {
    const served = await index.page('alpha', client());
    // What is kept is kept behind the answer.
    await setImmediate();
    return served.page;
  };
  return { index, drawings, time, rules, page, results: () => events.cached.map(({ result }) => result) };
}

const textOf = (page: Page) => Buffer.from(lend(page.variant('json', 'identity').body.bytes)).toString();
const whole = async () => (await start({ memory: 1e8 })).page();

describe('a page that is too large to stay whole', () => {
  it('is drawn once, and served from memory as compressed bodies from then on', async () => {
    const { index, page, drawings } = await start({ memory: LEAN, without: true });
    await page();
    for (let at = 0; at < 5; at++) await page();
    for (const choice of [GZIP, ZSTD_HTML]) expect(index.warmPage('alpha', choice)?.page.has(choice)).toBe(true);
    // What would have to be made first is no warm answer.
    expect(index.warmPage('alpha', PLAIN)).toBeUndefined();
    expect(drawings.count).toBe(1);
  });

  it('has the same plain bodies, made of the compressed ones when they are asked for, with the same tags', async () => {
    const { page } = await start({ memory: LEAN, without: true });
    await page();
    const expected = await whole();
    for (const format of ['json', 'html-v1', 'text-html'] as const) {
      const choice = { format, coding: 'identity' } as const;
      const lean = await page();
      expect(lean.has(choice)).toBe(false);
      const ready = await lean.with(choice);
      expect(ready.variant(format, 'identity')).toEqual(expected.variant(format, 'identity'));
      expect(ready.variant(format, 'gzip').body.etag).toBe(expected.variant(format, 'gzip').body.etag);
    }
  });

  it('is drawn once for all of its files that are asked for one after the other', async () => {
    const { index, page, drawings } = await start({ memory: LEAN, without: true });
    await page();
    for (let at = 0; at < 5; at++) expect((await index.listing('alpha', client())).listing.files.size).toBe(FILES);
    expect(drawings.count).toBe(1);
  });
});

describe('a page that memory has no room for at all', () => {
  it('without a cache is drawn for each request', async () => {
    const { page, drawings } = await start({ memory: NONE, without: true });
    await page();
    await page();
    expect(drawings.count).toBe(2);
  });

  it('is found again in the cache, and is the same page', async () => {
    const { page, drawings, results } = await start({ memory: NONE });
    await page();
    const again = await page();
    expect(drawings.count).toBe(1);
    expect(results()).toEqual(['miss', 'hit']);
    const expected = await whole();
    expect(textOf(await again.with(PLAIN))).toBe(textOf(expected));
    expect(again.variants().map(({ body }) => body)).toEqual(
      expected
        .lean()
        .variants()
        .map(({ body }) => body),
    );
    const { bytes } = again.variant('json', 'gzip').body;
    expect(gunzipSync(lend(bytes)).toString()).toBe(textOf(expected));
  });

  it('is drawn whole for who needs its files', async () => {
    const { index, page, drawings, results } = await start({ memory: NONE });
    await page();
    const { listing } = await index.listing('alpha', client());
    expect(listing.files.size).toBe(FILES);
    await index.listing('alpha', client());
    expect(drawings.count).toBe(1);
    expect(results()).toEqual(['miss', 'hit', 'hit']);
  });

  it('says what it leaves out, also where it was found again', async () => {
    const page = JSON.parse(LARGE.toString());
    page.files[0].hashes = { sha256: 'none' };
    page.files[1].url = `https://far.example/elsewhere/${page.files[1].filename}`;
    const { index, page: get, results } = await start({ memory: NONE, bytes: Buffer.from(JSON.stringify(page)) });
    await get();
    const before = (await index.status()).leftOut;
    expect([...before]).toEqual([['digest', 1]]);
    await get();
    expect(results()).toEqual(['miss', 'hit']);
    expect((await index.status()).leftOut).toEqual(before);
    expect((await index.status()).outOfReach).toEqual(new Map([['far.example', 1]]));
  });

  it('is not found again where the rules have changed', async () => {
    const { page, rules, drawings, results } = await start({ memory: NONE });
    await page();
    rules.version = 'second';
    await page();
    expect(drawings.count).toBe(2);
    expect(results()).toEqual(['miss', 'miss']);
    rules.version = 'first';
    await page();
    expect(results().at(-1)).toBe('hit');
  });

  it.each<readonly [string, (cache: ByteCache) => Partial<ByteCache>, string]>([
    ['changes a byte', ({ get }) => ({ get: async (...asked) => turned(await get(...asked)) }), 'refused'],
    ['fails', () => ({ get: () => Promise.reject(new Error('no connection')) }), 'failed'],
    ['loses all', () => ({ put: () => undefined }), 'miss'],
  ])('is drawn again where the cache %s: no client is told', async (_, cache, result) => {
    const { page, drawings, results } = await start({ memory: NONE, cache });
    await page();
    expect(textOf(await (await page()).with(PLAIN))).toBe(textOf(await whole()));
    expect(drawings.count).toBe(2);
    expect(results().at(-1)).toBe(result);
  });

  it.each([
    [20, 0],
    [100, 1],
  ])('that has %i files is put there %i times: what is small is drawn again', async (files, expected) => {
    let puts = 0;
    const { page, drawings } = await start({
      memory: NONE,
      bytes: largePage('alpha', files),
      cache: () => ({ put: () => void puts++ }),
    });
    await page();
    expect(puts).toBe(expected);
    expect(drawings.count).toBe(1);
  });
});

function turned(bytes: Uint8Array | undefined): Uint8Array | undefined {
  const other = bytes && new Uint8Array(bytes);
  other?.set([(other[5000] ?? 0) ^ 1], 5000);
  return other;
}
