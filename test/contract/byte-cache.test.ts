import { mkdir, readdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CacheFiles } from '../../src/disk/cache-files.ts';
import type { FileOps } from '../../src/disk/file-ops.ts';
import { nodeFileOps } from '../../src/disk/file-ops.ts';
import { openVolume } from '../../src/disk/volume.ts';
import { type ByteCache, nameOfKey } from '../../src/ports/byte-cache.ts';
import { faultyOps, systemError } from '../support/faults.ts';
import { createMemoryCache } from '../support/memory-cache.ts';
import { scratch } from '../support/volume-harness.ts';
import {
  BOUNDED_CACHE_CASES,
  BYTE_CACHE_CASES,
  type ByteCacheRig,
  byteCacheContract,
  type MakeByteCache,
  MOST,
} from './byte-cache.ts';

const START_MS = 1_800_000_000_000;
const HOUR = 3600;
const KEY = ['main', 'demo'];

function clock() {
  const time = { ms: START_MS };
  const pass = (seconds: number) => {
    time.ms += seconds * 1000;
  };
  return { nowMs: () => time.ms, pass };
}

const inMemory: MakeByteCache = async () => {
  const { nowMs, pass } = clock();
  return { cache: createMemoryCache({ maxBytes: MOST, nowMs }), pass, async settle() {} };
};

async function onFiles(ops: FileOps = nodeFileOps, maxBytes = MOST) {
  const { nowMs, pass } = clock();
  const { root, durable, close } = await openVolume(join(await scratch(), 'data'), { ops });
  onTestFinished(() => close().catch(() => undefined));
  const directory = join(root, 'drawn');
  const open = () => CacheFiles.open({ durable, directory, maxBytes, nowMs });
  const cache = await open();
  return { cache, open, directory, pass, settle: () => cache.close() };
}

const CASES = [...BYTE_CACHE_CASES, ...BOUNDED_CACHE_CASES];

byteCacheContract('in memory', inMemory, CASES);
// A quarter of the whole is the most that one value may take.
byteCacheContract('files', () => onFiles(), CASES);

describe('a cache of files', () => {
  it('is found again after a restart, within its bound; what was written first goes first', async () => {
    const { cache, open, directory, settle } = await onFiles();
    const names = ['one', 'two', 'three', 'four', 'five'];
    for (const name of names) cache.put(['main', name], new Uint8Array(12 * 1024), HOUR);
    await settle();
    // The system's clock tick is several milliseconds.
    for (const file of await readdir(directory)) {
      const at = names.findIndex((name) => file.startsWith(nameOfKey(['main', name])));
      await utimes(join(directory, file), 1000 + at, 1000 + at);
    }
    const again = await open();
    expect((await again.get(['main', 'five'], MOST))?.byteLength).toBe(12 * 1024);
    again.put(['main', 'six'], new Uint8Array(12 * 1024), HOUR);
    await again.close();
    expect(await again.get(['main', 'one'], MOST)).toBeUndefined();
    expect(await again.get(['main', 'two'], MOST)).toBeDefined();
  });

  it('that is larger than its bound now is made to fit when it is opened', async () => {
    const { cache, directory, settle } = await onFiles();
    for (const name of ['one', 'two', 'three']) cache.put(['main', name], new Uint8Array(12 * 1024), HOUR);
    await settle();
    expect(await readdir(directory)).toHaveLength(3);
    const { durable } = await openVolume(join(directory, '..'));
    await CacheFiles.open({ durable, directory, maxBytes: 30 * 1024, nowMs: () => START_MS });
    expect(await readdir(directory)).toHaveLength(2);
  });

  it('removes what is no value of a cache, or is over, when it is opened', async () => {
    const { cache, open, directory, pass, settle } = await onFiles();
    cache.put(KEY, new Uint8Array(10), 10);
    cache.put(['main', 'later'], new Uint8Array(10), HOUR);
    await settle();
    await writeFile(join(directory, 'notes.txt'), 'mine');
    await mkdir(join(directory, `${'a'.repeat(64)}.99999999999`));
    await symlink('/etc/passwd', join(directory, `${'b'.repeat(64)}.99999999999`));
    pass(60);
    await open();
    expect(await readdir(directory)).toHaveLength(1);
    expect(await readFile('/etc/passwd')).not.toHaveLength(0);
  });

  it.each<readonly [string, (path: string) => Promise<unknown>]>([
    ['gone', (path) => rm(path)],
    ['shorter', (path) => truncate(path, 3)],
    ['longer', (path) => writeFile(path, new Uint8Array(100))],
    ['a directory', (path) => rm(path).then(() => mkdir(path))],
    ['a link elsewhere', (path) => rm(path).then(() => symlink('/etc/passwd', path))],
  ])('whose file is %s has nothing under its key, and takes the next value', async (_, change) => {
    const { cache, directory, settle } = await onFiles();
    cache.put(KEY, new Uint8Array(10), HOUR);
    await settle();
    const [name = ''] = await readdir(directory);
    await change(join(directory, name));
    expect(await cache.get(KEY, MOST)).toBeUndefined();
    expect(await cache.get(KEY, MOST)).toBeUndefined();
    cache.put(KEY, new Uint8Array(10).fill(1), HOUR);
    await settle();
    expect(await cache.get(KEY, MOST)).toEqual(new Uint8Array(10).fill(1));
  });

  it('on a disk that fails gives nothing and keeps nothing, and throws nothing', async () => {
    let fails = false;
    const ops = faultyOps({
      before: () => {
        if (fails) throw systemError('EIO');
      },
    });
    const { cache, settle } = await onFiles(ops);
    cache.put(KEY, new Uint8Array(10), HOUR);
    await settle();
    fails = true;
    expect(await cache.get(KEY, MOST)).toBeUndefined();
    cache.put(['main', 'other'], new Uint8Array(10), HOUR);
    await settle();
    fails = false;
    expect(await cache.get(['main', 'other'], MOST)).toBeUndefined();
  });

  it('reads no folder for a request', async () => {
    let listed = 0;
    const list = (path: string) => {
      listed++;
      return nodeFileOps.list(path);
    };
    const ops = { ...nodeFileOps, list };
    const { cache, settle } = await onFiles(ops);
    listed = 0;
    cache.put(KEY, new Uint8Array(10), HOUR);
    await settle();
    await cache.get(KEY, MOST);
    await cache.get(['main', 'nothing'], MOST);
    expect(listed).toBe(0);
  });

  it('that is flooded drops what it cannot write soon enough', async () => {
    const large = 16 * 1024 * 1024;
    const { cache, settle } = await onFiles(nodeFileOps, 512 * 1024 * 1024);
    for (let at = 0; at < 8; at++) cache.put(['main', String(at)], new Uint8Array(large), HOUR);
    await settle();
    const there = await Promise.all(
      Array.from({ length: 8 }, async (_, at) => (await cache.get(['main', String(at)], large)) !== undefined),
    );
    expect(there).toEqual([true, true, true, true, false, false, false, false]);
  });
});

interface Misbehaviour {
  readonly does: string;
  readonly caughtBy: string;
  readonly make: MakeByteCache;
}

/** A cache in memory, one of whose calls is another. */
function changed(change: (cache: ByteCache, rig: ByteCacheRig) => Partial<ByteCache>): MakeByteCache {
  return async () => {
    const rig = await inMemory();
    return { ...rig, cache: { ...rig.cache, ...change(rig.cache, rig) } };
  };
}

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    does: 'truncates',
    caughtBy: 'what was put is given back, byte for byte',
    make: changed(({ get }) => ({ get: async (...asked) => (await get(...asked))?.subarray(0, 3) })),
  },
  {
    does: 'gives what lies nearest',
    caughtBy: 'nothing lies under a key that nothing was put under',
    make: changed(({ get, put }) => ({
      get: async (key, limit) => (await get(key, limit)) ?? get(['last'], limit),
      put(key, value, seconds) {
        put(key, value, seconds);
        put(['last'], value, seconds);
      },
    })),
  },
  {
    does: 'joins a key’s parts',
    caughtBy: 'no two keys share a value, however their parts are cut',
    make: changed(({ get, put }) => ({
      get: (key, limit) => get([key.join('')], limit),
      put: (key, value, seconds) => put([key.join('')], value, seconds),
    })),
  },
  {
    does: 'keeps the first value',
    caughtBy: 'the last value that was put under a key is the one',
    make: changed(({ put }) => {
      const seen = new Set<string>();
      return {
        put(key, value, seconds) {
          if (!seen.has(JSON.stringify(key))) put(key, value, seconds);
          seen.add(JSON.stringify(key));
        },
      };
    }),
  },
  {
    does: 'keeps the caller’s own bytes',
    caughtBy: 'what its owner does to the bytes afterwards changes nothing',
    make: changed(() => {
      const values = new Map<string, Uint8Array>();
      return {
        get: async (key) => values.get(JSON.stringify(key)),
        put: (key, value) => void values.set(JSON.stringify(key), value),
      };
    }),
  },
  {
    does: 'gives however much there is',
    caughtBy: 'a value larger than was asked for is none',
    make: changed(({ get }) => ({ get: (key) => get(key, MOST) })),
  },
  {
    does: 'knows no end',
    caughtBy: 'a value ends with its time',
    make: changed(({ put }) => ({ put: (key, value) => put(key, value, 1e9) })),
  },
  {
    does: 'throws out what came first',
    caughtBy: 'it keeps no more than its bound: what was used least recently goes first',
    make: async () => {
      const rig = await inMemory();
      const names: string[] = [];
      const put: ByteCache['put'] = (key, value, seconds) => {
        names.push(JSON.stringify(key));
        rig.cache.put(key, value, seconds);
      };
      const get: ByteCache['get'] = async (key, limit) =>
        names.slice(-5).includes(JSON.stringify(key)) ? rig.cache.get(key, limit) : undefined;
      return { ...rig, cache: { tier: 'memory', get, put } };
    },
  },
  {
    does: 'has no bound',
    caughtBy: 'a value larger than the whole cache is not kept, and takes no other’s place',
    make: async () => {
      const { nowMs, pass } = clock();
      return { cache: createMemoryCache({ maxBytes: 1e9, nowMs }), pass, async settle() {} };
    },
  },
  {
    does: 'answers all at once with the last',
    caughtBy: 'many at once are each given their own',
    make: changed(({ get }) => {
      let last: readonly string[] = [];
      return {
        async get(key, limit) {
          last = key;
          await new Promise((resolve) => setImmediate(resolve));
          return get(last, limit);
        },
      };
    }),
  },
];

describe('the contract of a byte cache notices one that', () => {
  it.each(MISBEHAVIOURS)('$does', async ({ caughtBy, make }) => {
    const found = CASES.find(({ name }) => name === caughtBy);
    if (found === undefined) throw new Error(`no case is called ${caughtBy}`);
    await expect(found.run(make)).rejects.toThrow();
  });

  it('every case of it catches something', () => {
    const caught = new Set(MISBEHAVIOURS.map(({ caughtBy }) => caughtBy));
    expect(CASES.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
