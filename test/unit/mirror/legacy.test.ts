import { expect, it } from 'vitest';
import { DrawnLegacy } from '../../../src/mirror/unsigned/drawn-legacy.ts';
import { Spellings } from '../../../src/mirror/unsigned/spellings.ts';
import type { LegacySource } from '../../../src/ports/page-work.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import { relink } from '../../../src/pypi/relink.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { cpuTime } from '../../support/cpu.ts';

/** As many files as versions, each of which only its file names. */
function listingOf(count: number) {
  const files = Array.from({ length: count }, (_, at) => ({
    filename: `big-1.0${at}.tar.gz`,
    url: `${at}/big-1.0${at}.tar.gz`,
    hashes: { sha256: at.toString(16).padStart(64, '0') },
  }));
  const page = { meta: { 'api-version': '1.1' }, name: 'big', versions: ['v2'], files };
  return relink(decodePage(Buffer.from(JSON.stringify(page)), 'big'), { pageUrl: 'https://files.example/simple/big/' });
}

it('says how a project spells a version: as its list does, else as its files do', async () => {
  const spellings = new Spellings();
  const listing = listingOf(20);
  for (const [asked, own] of [
    ['v2', 'v2'],
    ['2.0', 'v2'],
    ['1.07', '1.07'],
    ['1.7', '1.07'],
    ['v1.7.0', '1.07'],
    ['1.20', undefined],
    ['no version', undefined],
    ['', undefined],
  ] as const)
    expect(await spellings.of(listing, asked)).toBe(own);
});

it('reads the versions of a large project once, however many ask, and lets others have their turns meanwhile', async () => {
  const spellings = new Spellings();
  const listing = listingOf(20_000);
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  let before = cpuTime();
  expect(await spellings.of(listing, '1.20000')).toBeUndefined();
  const first = cpuTime() - before;
  clearInterval(counting);
  expect(turns).toBeGreaterThan(5);
  before = cpuTime();
  for (let at = 0; at < 50; at++) expect(await spellings.of(listing, `1.${at}.0`)).toBe(`1.0${at}`);
  expect(cpuTime() - before).toBeLessThan(first);
});

const sourceOf = (listing = listingOf(1), version?: string): LegacySource => ({
  project: 'big',
  bytes: new Uint8Array(),
  pageUrl: '',
  listing,
  withheld: new Set(),
  upstream: undefined,
  version,
  base: 'https://mirror.example/',
});

/** Draws so many bytes, each time others. */
function drawing(bytes = 10) {
  let drawn = 0;
  const drawLegacy = async () => Buffer.alloc(bytes, ++drawn);
  return { work: { drawLegacy }, count: () => drawn };
}

it('is drawn once for all who ask for the same, and anew for another page, document or version', async () => {
  const { work, count } = drawing();
  const legacy = new DrawnLegacy(work, 10_000);
  const [listing, upstream] = [listingOf(1), {}];
  const draw = (source: LegacySource, ...[of]: [object?]) => legacy.draw(source, of, client());
  await Promise.all([1, 2, 3].map(() => draw(sourceOf(listing), upstream)));
  await draw(sourceOf(listing), upstream);
  expect(count()).toBe(1);
  for (const [at, other] of [
    () => draw(sourceOf(listing, '1.0'), upstream),
    () => draw(sourceOf(listingOf(1)), upstream),
    () => draw(sourceOf(listing), {}),
    () => draw(sourceOf(listing)),
    () => draw({ ...sourceOf(listing), base: 'https://other.example/' }, upstream),
  ].entries()) {
    await other();
    expect(count()).toBe(at + 2);
  }
});

it('what is kept of drawn documents has a bound, and who leaves takes nothing from others', async () => {
  const { work, count } = drawing(1000);
  const legacy = new DrawnLegacy(work, 3000);
  const [listing] = [listingOf(1)];
  for (let round = 0; round < 2; round++)
    for (let at = 0; at < 10; at++) await legacy.draw(sourceOf(listing, `1.${at}`), undefined, client());
  expect(count()).toBe(20);
  const { caller, leave } = leavingClient();
  const left = legacy.draw(sourceOf(listing, 'x'), undefined, caller);
  const stays = legacy.draw(sourceOf(listing, 'x'), undefined, client());
  leave();
  await expect(left).rejects.toBeDefined();
  expect((await stays)?.byteLength).toBe(1000);
});
