import { describe, expect, it } from 'vitest';
import type { ByteCache, CacheKey } from '../../src/ports/byte-cache.ts';

/** A cache of at most `MOST` bytes, and what the test does to it. */
export interface ByteCacheRig {
  readonly cache: ByteCache;
  /** What was put before is there. */
  settle(): Promise<void>;
  /** So much later. */
  pass(seconds: number): void | Promise<void>;
}

export type MakeByteCache = () => Promise<ByteCacheRig>;

export interface ByteCacheCase {
  readonly name: string;
  run(make: MakeByteCache): Promise<void>;
}

export const MOST = 64 * 1024;
const LIMIT = MOST;
const HOUR = 3600;
const KEY: CacheKey = ['main', 'demo', 'compressed'];
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
const plain = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();
const kilobytes = (count: number) => new Uint8Array(count * 1024).fill(count);

/** Lists of parts that some way of joining them makes one of. */
const ALIKE: readonly CacheKey[] = [
  [],
  [''],
  ['', ''],
  ['a', 'b'],
  ['ab'],
  ['ab', ''],
  ['', 'ab'],
  ['a', '', 'b'],
  ['a/b'],
  ['a\nb'],
  ['a\0b'],
  ['2\na', 'b'],
  ['["a","b"]'],
  ['\ud800'],
  ['\ufffd'],
  ['\ud801'],
  ['é'],
  ['e\u0301'],
];

export const BYTE_CACHE_CASES: readonly ByteCacheCase[] = [
  {
    name: 'what was put is given back, byte for byte',
    async run(make) {
      const { cache, settle } = await make();
      cache.put(KEY, bytesOf('a body'), HOUR);
      await settle();
      expect(plain(await cache.get(KEY, LIMIT))).toBe('a body');
      expect(plain(await cache.get(KEY, LIMIT))).toBe('a body');
    },
  },
  {
    name: 'nothing lies under a key that nothing was put under',
    async run(make) {
      const { cache, settle } = await make();
      cache.put(KEY, bytesOf('a body'), HOUR);
      await settle();
      expect(await cache.get(['main', 'other', 'compressed'], LIMIT)).toBeUndefined();
      expect(await cache.get(KEY.slice(0, 2), LIMIT)).toBeUndefined();
    },
  },
  {
    name: 'no two keys share a value, however their parts are cut',
    async run(make) {
      const { cache, settle } = await make();
      for (const [at, key] of ALIKE.entries()) cache.put(key, bytesOf(`value ${at}`), HOUR);
      await settle();
      const found = await Promise.all(ALIKE.map(async (key) => plain(await cache.get(key, LIMIT))));
      expect(found).toEqual(ALIKE.map((_, at) => `value ${at}`));
    },
  },
  {
    name: 'the last value that was put under a key is the one',
    async run(make) {
      const { cache, settle, pass } = await make();
      cache.put(KEY, bytesOf('the first'), HOUR);
      await pass(1);
      cache.put(KEY, bytesOf('another'), HOUR);
      await settle();
      expect(plain(await cache.get(KEY, LIMIT))).toBe('another');
    },
  },
  {
    name: 'what its owner does to the bytes afterwards changes nothing',
    async run(make) {
      const { cache, settle } = await make();
      const mine = bytesOf('a body');
      cache.put(KEY, mine, HOUR);
      mine.fill(0);
      await settle();
      const given = await cache.get(KEY, LIMIT);
      expect(plain(given)).toBe('a body');
      given?.fill(0);
      expect(plain(await cache.get(KEY, LIMIT))).toBe('a body');
    },
  },
  {
    name: 'a value larger than was asked for is none',
    async run(make) {
      const { cache, settle } = await make();
      cache.put(KEY, bytesOf('a body'), HOUR);
      await settle();
      expect(await cache.get(KEY, 5)).toBeUndefined();
      expect(plain(await cache.get(KEY, 6))).toBe('a body');
    },
  },
  {
    name: 'a value ends with its time',
    async run(make) {
      const { cache, settle, pass } = await make();
      cache.put(KEY, bytesOf('a body'), HOUR);
      await settle();
      await pass(HOUR - 2);
      expect(plain(await cache.get(KEY, LIMIT))).toBe('a body');
      await pass(4);
      expect(await cache.get(KEY, LIMIT)).toBeUndefined();
    },
  },
  {
    name: 'a value larger than the whole cache is not kept, and takes no other’s place',
    async run(make) {
      const { cache, settle } = await make();
      cache.put(KEY, bytesOf('a body'), HOUR);
      cache.put(['main', 'huge'], kilobytes(65), HOUR);
      await settle();
      expect(await cache.get(['main', 'huge'], 2 * LIMIT)).toBeUndefined();
      expect(plain(await cache.get(KEY, LIMIT))).toBe('a body');
    },
  },
  {
    name: 'many at once are each given their own',
    async run(make) {
      const { cache, settle } = await make();
      const keys = Array.from({ length: 40 }, (_, at) => ['main', `project ${at}`]);
      for (const key of keys) cache.put(key, bytesOf(key.join()), HOUR);
      await settle();
      const found = await Promise.all(keys.map(async (key) => plain(await cache.get(key, LIMIT))));
      expect(found).toEqual(keys.map((key) => key.join()));
    },
  },
];

/** Of one that bounds all its values itself. */
export const BOUNDED_CACHE_CASES: readonly ByteCacheCase[] = [
  {
    name: 'it keeps no more than its bound: what was used least recently goes first',
    async run(make) {
      const { cache, settle } = await make();
      const key = (name: number) => ['main', String(name)];
      for (const name of [1, 2, 3, 4]) cache.put(key(name), kilobytes(12), HOUR);
      await settle();
      await cache.get(key(1), LIMIT);
      cache.put(key(5), kilobytes(12), HOUR);
      cache.put(key(6), kilobytes(12), HOUR);
      await settle();
      const there: number[] = [];
      for (const name of [1, 2, 3, 4, 5, 6]) if ((await cache.get(key(name), LIMIT)) !== undefined) there.push(name);
      expect(there).toEqual([1, 3, 4, 5, 6]);
    },
  },
];

export function byteCacheContract(name: string, make: MakeByteCache, cases = BYTE_CACHE_CASES): void {
  describe(`byte cache: ${name}`, () => {
    it.each(cases)('$name', ({ run }) => run(make));
  });
}
