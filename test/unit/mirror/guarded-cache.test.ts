import { describe, expect, it } from 'vitest';
import { type Authenticator, makeAuthenticator } from '../../../src/bytes/authentic.ts';
import { lend } from '../../../src/bytes/proof.ts';
import { GuardedCache } from '../../../src/mirror/guarded-cache.ts';
import { type ByteCache, type CacheKey, nameOfKey } from '../../../src/ports/byte-cache.ts';
import { createMemoryCache } from '../../support/memory-cache.ts';
import { createRecorder } from '../../support/recorder.ts';

const SECRET = new Uint8Array(32).fill(7);
const KEY: CacheKey = ['demo', 'compressed'];
const LIMIT = 1024;
const HOUR = 3600;
const BODY = new Uint8Array(Buffer.from('a body'));

const seal = (secret = SECRET, use = 'a test') => makeAuthenticator(secret, use);

function guarded(
  change: (cache: ByteCache) => Partial<ByteCache> = () => ({}),
  authenticator: Authenticator = seal(),
  index = 'main',
) {
  const time = { ms: 0 };
  const memory = createMemoryCache({ maxBytes: 1e6, nowMs: () => time.ms });
  const { events, emit } = createRecorder();
  const cache = { ...memory, ...change(memory) };
  const options = { index, cache, authenticator, emit, longestWaitMs: 20, nowMs: () => time.ms };
  const told = () => events.cached.map(({ tier, result }) => `${tier} ${result}`);
  return { memory, time, told, over: new GuardedCache(options) };
}

/** What comes out, as text. */
async function found(cache: GuardedCache, key = KEY, limit = LIMIT): Promise<string | undefined> {
  const authentic = await cache.get(key, limit);
  return authentic && Buffer.from(lend(authentic.bytes)).toString();
}

const never = () => new Promise<undefined>(() => undefined);

/** By what it does: how it answers, and what is counted. */
const LIES: readonly (readonly [string, (cache: ByteCache) => Partial<ByteCache>, string])[] = [
  ['loses it', () => ({ get: async () => undefined }), 'miss'],
  ['changes one bit', ({ get }) => ({ get: async (...asked) => flipped(await get(...asked), 40) }), 'refused'],
  ['changes the tag', ({ get }) => ({ get: async (...asked) => flipped(await get(...asked), 0) }), 'refused'],
  ['truncates it', ({ get }) => ({ get: async (...asked) => (await get(...asked))?.subarray(0, -1) }), 'refused'],
  ['leaves less than a tag of it', () => ({ get: async () => new Uint8Array(31) }), 'refused'],
  ['leaves nothing of it', () => ({ get: async () => new Uint8Array() }), 'refused'],
  [
    'adds to it',
    ({ get }) => ({ get: async (...asked) => Buffer.concat([(await get(...asked)) ?? BODY, BODY]) }),
    'refused',
  ],
  ['gives something else', () => ({ get: async () => new Uint8Array(100) }), 'refused'],
  ['gives more than was asked for', () => ({ get: async () => new Uint8Array(LIMIT + 33) }), 'refused'],
  ['gives another key’s value', ({ get }) => ({ get: (_, limit) => get(['main', 'other'], limit) }), 'refused'],
  ['gives another index’s value', ({ get }) => ({ get: (_, limit) => get(['second', ...KEY], limit) }), 'refused'],
  ['fails', () => ({ get: () => Promise.reject(new Error('no connection')) }), 'failed'],
  [
    'throws',
    () => ({
      get() {
        throw new Error('no connection');
      },
    }),
    'failed',
  ],
  ['never answers', () => ({ get: never }), 'late'],
];

function flipped(bytes: Uint8Array | undefined, at: number): Uint8Array | undefined {
  const other = bytes && new Uint8Array(bytes);
  if (other !== undefined) other[at % other.byteLength] = (other[at % other.byteLength] ?? 0) ^ 1;
  return other;
}

describe('a cache that is guarded', () => {
  it('gives back what it was given, and counts it by its tier', async () => {
    const { over, told } = guarded();
    expect(await found(over)).toBeUndefined();
    over.put(KEY, BODY, HOUR);
    expect(await found(over)).toBe('a body');
    expect(told()).toEqual(['memory miss', 'memory hit']);
  });

  it.each(LIES)('that %s is a miss, counted as such', async (_, change, result) => {
    const { memory, over, told } = guarded(change);
    over.put(KEY, BODY, HOUR);
    over.put(['other'], BODY, HOUR);
    memory.put(['second', ...KEY], seal().seal(nameOfKey(['second', ...KEY]), BODY), HOUR);
    expect(await found(over)).toBeUndefined();
    expect(told()).toEqual([`memory ${result}`]);
  });

  it.each([
    ['under another key', seal(new Uint8Array(32).fill(8))],
    ['for another use', seal(SECRET, 'another test')],
  ])('takes nothing that was sealed %s', async (_, other) => {
    const { memory, over, told } = guarded();
    const name = ['main', ...KEY];
    memory.put(name, other.seal(nameOfKey(name), BODY), HOUR);
    expect(await found(over)).toBeUndefined();
    memory.put(name, seal().seal(nameOfKey(name), BODY), HOUR);
    expect(await found(over)).toBe('a body');
    expect(told()).toEqual(['memory refused', 'memory hit']);
  });

  it('that changes its bytes after they were checked changes nothing', async () => {
    let given: Uint8Array | undefined;
    const { over } = guarded(({ get }) => ({
      async get(key, limit) {
        given = await get(key, limit);
        return given;
      },
    }));
    over.put(KEY, BODY, HOUR);
    const authentic = await over.get(KEY, LIMIT);
    given?.fill(0);
    expect(authentic && Buffer.from(lend(authentic.bytes)).toString()).toBe('a body');
  });

  it('that was late is not asked again for a while, so that it costs one wait', async () => {
    let asked = 0;
    const { over, time, told } = guarded(() => ({
      get() {
        asked++;
        return never();
      },
    }));
    await found(over);
    await found(over);
    await found(over);
    expect(asked).toBe(1);
    time.ms += 5001;
    await found(over);
    expect(asked).toBe(2);
    expect(told()).toEqual(['memory late', 'memory resting', 'memory resting', 'memory late']);
  });

  it('that fails after its time is nobody’s trouble', async () => {
    let fail: (error: Error) => void = () => undefined;
    const { over, told } = guarded(() => ({
      get: () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
    }));
    await found(over);
    fail(new Error('no connection'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(told()).toEqual(['memory late']);
  });

  it('that throws at what is put is counted, and stops nobody', () => {
    const { over, told } = guarded(() => ({
      put() {
        throw new Error('no connection');
      },
    }));
    over.put(KEY, BODY, HOUR);
    expect(told()).toEqual(['memory failed']);
  });
});
