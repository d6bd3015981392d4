import { describe, expect, it } from 'vitest';
import type { ItemPath, StateStorage } from '../../src/ports/state-storage.ts';
import { createMemoryState, type MemoryState } from '../support/memory-state.ts';
import { STATE_STORAGE_CASES, type StateStorageRig, stateStorageContract } from './state-storage.ts';

function rigOver(state: MemoryState, wrap: (storage: StateStorage) => StateStorage): StateStorageRig {
  return {
    storage: wrap(state.party()),
    another: async () => wrap(state.party()),
    restart: async () => wrap(state.party()),
    damage: async (item) => state.damage(item),
  };
}

stateStorageContract('in memory', async () => rigOver(createMemoryState(), (storage) => storage));

interface Misbehaviour {
  readonly does: string;
  readonly caughtBy: string;
  readonly wrap: (storage: StateStorage) => StateStorage;
}

const joined = (item: ItemPath): ItemPath => [item[0], item.slice(1).join('/')];
/** One name inside each wrapped storage that two of them share. */
const shared = new Map<string, Uint8Array>();

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    does: 'has no number for a damaged item',
    caughtBy: 'a damaged item keeps its number, and takes a newer version, which is whole',
    wrap: (storage) => ({
      ...storage,
      version: async (item, from) => (await storage.newest(item, from))?.version ?? 0,
    }),
  },
  {
    does: 'answers an older version than the caller knows',
    caughtBy: 'less than the caller knows of is refused, never answered',
    wrap: (storage) => ({ ...storage, newest: (item) => storage.newest(item, 0) }),
  },
  {
    does: 'numbers an item lower than the caller knows',
    caughtBy: 'less than the caller knows of is refused, never answered',
    wrap: (storage) => ({ ...storage, version: (item) => storage.version(item, 0) }),
  },
  {
    does: 'tells a loser that it won',
    caughtBy: 'of eight writers of one version one wins, and its value is the one that is kept',
    wrap: (storage) => ({ ...storage, create: async (...given) => (await storage.create(...given)) || true }),
  },
  {
    does: 'takes an equal value for its own write',
    caughtBy: 'a version that is taken keeps its first value, and nobody is told that it won again',
    wrap: (storage) => ({
      ...storage,
      async create(item, version, value) {
        if (await storage.create(item, version, value)) return true;
        const there = await storage.read(item, version);
        return there !== undefined && Buffer.compare(there, value) === 0;
      },
    }),
  },
  {
    does: 'creates one version only of several',
    caughtBy: 'versions of several items that are created together are all there, for every party',
    wrap: (storage) => ({ ...storage, create: (item, version, value) => storage.create(item, version, value) }),
  },
  {
    does: 'creates one after the other what belongs together',
    caughtBy: 'where one of those that are created together is taken, none is created',
    wrap: (storage) => ({
      ...storage,
      async create(item, version, value, also) {
        if (!(await storage.create(item, version, value, { ...also, others: [] }))) return false;
        const others = (also?.others ?? []).map((each) => storage.create(each.item, each.version, each.value));
        return (await Promise.all(others)).every((won) => won);
      },
    }),
  },
  {
    does: 'takes what belongs to another index',
    caughtBy: 'what is created together is of one index, and each of it fits',
    wrap: (storage) => ({
      ...storage,
      async create(item, version, value, also) {
        const others = also?.others?.filter((each) => each.item[0] === item[0]);
        return storage.create(item, version, value, { ...also, others });
      },
    }),
  },
  {
    does: 'removes older versions for a creation that came to nothing',
    caughtBy: 'older versions go with the creation of a newer one, and stay where it is not created',
    wrap: (storage) => ({
      ...storage,
      async create(item, version, value, also) {
        await storage.removeBelow(item, also?.removeBelow ?? 0);
        return storage.create(item, version, value, also);
      },
    }),
  },
  {
    does: 'fills a version that was skipped',
    caughtBy: 'a version below the newest is passed, though it was skipped',
    wrap: (storage) => ({
      ...storage,
      async create(item, version, value) {
        if (await storage.create(item, version, value)) return true;
        return (await storage.read(item, version)) === undefined;
      },
    }),
  },
  {
    does: 'forgets what was removed',
    caughtBy: 'a version that was removed is not created again',
    wrap: (storage) => {
      let removed = 0;
      return {
        ...storage,
        removeBelow: async (item, version) => {
          removed = version;
          await storage.removeBelow(item, version);
        },
        create: async (item, version, value) => version < removed || storage.create(item, version, value),
      };
    },
  },
  {
    does: 'removes the newest version too',
    caughtBy: 'the newest version is never removed',
    wrap: (storage) => {
      let removed = 0;
      return {
        ...storage,
        async removeBelow(item, version) {
          removed = version;
          await storage.removeBelow(item, version);
        },
        async newest(item, from) {
          const found = await storage.newest(item, from);
          return found === undefined || found.version < removed ? undefined : found;
        },
      };
    },
  },
  {
    does: 'keeps what should be removed',
    caughtBy: 'older versions stay readable until they are removed',
    wrap: (storage) => ({ ...storage, removeBelow: async () => undefined }),
  },
  {
    does: 'loses what was not written before a restart',
    caughtBy: 'versions, values and what was removed are the same after a restart',
    wrap: (storage) => {
      const mine = new Map<string, readonly [number, Uint8Array]>();
      return {
        ...storage,
        async create(item, version, value) {
          if ((mine.get(JSON.stringify(item))?.[0] ?? 0) >= version) return false;
          mine.set(JSON.stringify(item), [version, value.slice()]);
          return true;
        },
        async newest(item) {
          const found = mine.get(JSON.stringify(item));
          return found && { version: found[0], value: found[1].slice() };
        },
      };
    },
  },
  {
    does: 'answers from a memory that other parties do not reach',
    caughtBy: 'what one party created every other sees, at once',
    wrap: (storage) => {
      const seen = new Map<string, number>();
      return {
        ...storage,
        async version(item, from) {
          const key = JSON.stringify(item);
          const known = seen.get(key) ?? (await storage.version(item, from));
          seen.set(key, known);
          return known;
        },
      };
    },
  },
  {
    does: 'takes a damaged item for an absent one',
    caughtBy: 'a damaged item is refused and not taken for absent; others are untouched',
    wrap: (storage) => ({ ...storage, newest: (item, from) => storage.newest(item, from).catch(() => undefined) }),
  },
  {
    does: 'joins names',
    caughtBy: 'no two paths are one item',
    wrap: (storage) => ({
      ...storage,
      create: (item, version, value) => storage.create(joined(item), version, value),
      newest: (item, from) => storage.newest(joined(item), from),
    }),
  },
  {
    does: 'lists by the beginning of a name',
    caughtBy: 'items are listed below whole names, each once, as they were named',
    wrap: (storage) => ({
      ...storage,
      async *items(below) {
        const start = below.join('/');
        for await (const item of storage.items([below[0]])) if (item.join('/').startsWith(start)) yield item;
      },
    }),
  },
  {
    does: 'lists one page and stops',
    caughtBy: 'a long list is whole, also where it grows and others write while it is read',
    wrap: (storage) => ({
      ...storage,
      async *items(below) {
        let count = 0;
        for await (const item of storage.items(below)) if (count++ < 500) yield item;
      },
    }),
  },
  {
    does: 'keeps what was set aside',
    caughtBy: 'what is set aside is gone, begins anew, and nothing beside it is touched',
    wrap: (storage) => ({ ...storage, setAside: async () => undefined }),
  },
  {
    does: 'sets everything aside',
    caughtBy: 'what is set aside is gone, begins anew, and nothing beside it is touched',
    wrap: (storage) => ({ ...storage, setAside: (below, as) => storage.setAside([below[0]], as) }),
  },
  {
    does: 'forgets what it has seen',
    caughtBy: 'whoever remembers an item from before it was set aside is refused',
    wrap: (storage) => ({ ...storage, newest: (item) => storage.newest(item, 0).catch(() => undefined) }),
  },
  {
    does: 'refuses to set aside what is not there',
    caughtBy: 'setting aside twice under one name, or what is not there, is no error',
    wrap: (storage) => {
      const used = new Set<string>();
      return {
        ...storage,
        async setAside(below, as) {
          if (used.has(as)) throw new Error('the name is taken');
          used.add(as);
          await storage.setAside(below, as);
        },
      };
    },
  },
  {
    does: 'keeps the giver’s buffer',
    caughtBy: 'a value belongs to the storage: what its giver or its reader writes into it later changes nothing',
    wrap: (storage) => ({
      ...storage,
      async create(item, version, value) {
        shared.set(JSON.stringify(item), value);
        return storage.create(item, version, value);
      },
      async newest(item, from) {
        const found = await storage.newest(item, from);
        return found && { ...found, value: shared.get(JSON.stringify(item)) ?? found.value };
      },
    }),
  },
  {
    does: 'cuts a large value',
    caughtBy: 'a large value comes back whole',
    wrap: (storage) => ({
      ...storage,
      create: (item, version, value) => storage.create(item, version, value.subarray(0, 65_536)),
    }),
  },
  {
    does: 'takes a value of any size',
    caughtBy: 'a value or a path larger than its limit is refused before anything of it is kept',
    wrap: (storage) => ({
      ...storage,
      create: (item, version, value) => storage.create(item, version, value.subarray(0, 1)),
    }),
  },
  {
    does: 'takes any number for a version',
    caughtBy: 'a version is a positive safe integer, and a name whole characters',
    wrap: (storage) => ({
      ...storage,
      create: (item, version, value) => storage.create(item, Math.max(1, Math.trunc(version) || 1), value),
    }),
  },
  {
    does: 'drops every tenth of many creates',
    caughtBy: 'many creates at once all last, each under its own name',
    wrap: (storage) => {
      let count = 0;
      return { ...storage, create: async (...given) => ++count % 10 === 0 || storage.create(...given) };
    },
  },
  {
    does: 'answers something for what never was',
    caughtBy: 'an item that was never created is not there',
    wrap: (storage) => ({ ...storage, read: async (...given) => (await storage.read(...given)) ?? new Uint8Array() }),
  },
  {
    does: 'reads bytes as text',
    caughtBy: 'what was created is read back, at once and byte for byte',
    wrap: (storage) => ({
      ...storage,
      create: (item, version, value) => storage.create(item, version, Buffer.from(Buffer.from(value).toString())),
    }),
  },
];

describe('a state storage that', () => {
  it.each(MISBEHAVIOURS)('$does is caught: $caughtBy', async ({ caughtBy, wrap }) => {
    const found = STATE_STORAGE_CASES.find(({ name }) => name === caughtBy);
    if (found === undefined) throw new Error('no such case');
    await expect(found.run(rigOver(createMemoryState(), wrap))).rejects.toThrow();
  });

  it('misbehaves in any way a case is there for', () => {
    const caught = new Set(MISBEHAVIOURS.map(({ caughtBy }) => caughtBy));
    expect(STATE_STORAGE_CASES.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
