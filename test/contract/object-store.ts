import { expect } from 'vitest';
import type { ObjectStore } from '../../src/ports/object-store.ts';

export interface ObjectStoreRig {
  readonly store: ObjectStore;
  /** The same objects through another program. */
  readonly another: ObjectStore;
}

const bytes = (text: string) => Buffer.from(text);

async function keysOf(store: ObjectStore, prefix: string, after?: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const key of store.list(prefix, after)) keys.push(key);
  return keys;
}

export const OBJECT_STORE_CASES: readonly { readonly name: string; run(rig: ObjectStoreRig): Promise<void> }[] = [
  {
    name: 'what was created is there for everybody, byte for byte',
    async run({ store, another }) {
      const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      expect(await store.get('a/b', 1000)).toBeUndefined();
      expect(await store.create('a/b', all)).toBe('created');
      expect(Buffer.from((await another.get('a/b', 1000)) ?? [])).toEqual(Buffer.from(all));
      expect(await store.create('empty', new Uint8Array())).toBe('created');
      expect((await another.get('empty', 0))?.byteLength).toBe(0);
    },
  },
  {
    name: 'what exists stays, and the same bytes may be created again',
    async run({ store, another }) {
      expect(await store.create('k', bytes('one'))).toBe('created');
      expect(await another.create('k', bytes('two'))).toBe('taken');
      expect(await another.create('k', bytes('one'))).toBe('created');
      expect(Buffer.from((await store.get('k', 10)) ?? []).toString()).toBe('one');
    },
  },
  {
    name: 'of many who create one key at once exactly one has created it',
    async run({ store, another }) {
      for (const round of [1, 2, 3]) {
        const racers = Array.from({ length: 8 }, (_, at) =>
          [store, another][at % 2]?.create(`race/${round}`, bytes(`racer ${at}`)),
        );
        const results = await Promise.all(racers);
        const winners = results.flatMap((result, at) => (result === 'created' ? [at] : []));
        expect(winners).toHaveLength(1);
        expect(Buffer.from((await store.get(`race/${round}`, 100)) ?? []).toString()).toBe(`racer ${winners[0]}`);
      }
    },
  },
  {
    name: 'an object larger than is taken is refused',
    async run({ store }) {
      await store.create('large', bytes('x'.repeat(100)));
      await expect(store.get('large', 99)).rejects.toMatchObject({ kind: 'limit' });
      expect((await store.get('large', 100))?.byteLength).toBe(100);
    },
  },
  {
    name: 'keys are listed in the order of their bytes, below a prefix and behind a key',
    async run({ store }) {
      for (const key of ['l/10', 'l/2', 'l/1', 'l/a/b', 'm/1', 'k']) await store.create(key, bytes(key));
      expect(await keysOf(store, 'l/')).toEqual(['l/1', 'l/10', 'l/2', 'l/a/b']);
      expect(await keysOf(store, 'l/', 'l/10')).toEqual(['l/2', 'l/a/b']);
      expect(await keysOf(store, 'nothing/')).toEqual([]);
    },
  },
  {
    name: 'more keys than one answer holds are listed whole',
    async run({ store }) {
      const keys = Array.from({ length: 1100 }, (_, at) => `many/${String(at).padStart(5, '0')}`);
      for (let from = 0; from < keys.length; from += 50)
        await Promise.all(keys.slice(from, from + 50).map((key) => store.create(key, bytes('x'))));
      expect(await keysOf(store, 'many/')).toEqual(keys);
    },
  },
  {
    name: 'what was removed is gone, and so is what was never there',
    async run({ store, another }) {
      await store.create('gone', bytes('x'));
      await another.remove('gone');
      await another.remove('gone');
      expect(await store.get('gone', 10)).toBeUndefined();
      expect(await store.create('gone', bytes('y'))).toBe('created');
    },
  },
];
