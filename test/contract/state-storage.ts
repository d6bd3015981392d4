import { describe, expect, it } from 'vitest';
import { ITEM_PATH_BYTES, type ItemPath, STATE_VALUE_BYTES, type StateStorage } from '../../src/ports/state-storage.ts';

/** One state and those who use it. Whoever makes it cleans up after the test. */
export interface StateStorageRig {
  readonly storage: StateStorage;
  /** Another party on the same state, as another process would be. */
  another(): Promise<StateStorage>;
  /** Ends every party there was and begins again from what lies there. */
  restart(): Promise<StateStorage>;
  /** Makes what is stored of an item wrong, behind everybody's back. */
  damage(item: ItemPath): Promise<void>;
}

export interface StateStorageCase {
  readonly name: string;
  run(rig: StateStorageRig): Promise<void>;
}

const PINS: ItemPath = ['main', 'pins', 'demo'];
const PAGE: ItemPath = ['main', 'pages', 'demo'];
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const state = { name: 'Refusal', reason: 'state' };

async function listed(storage: StateStorage, below: ItemPath): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const item of storage.items(below)) found.push(JSON.stringify(item));
  return found.sort();
}

async function fill(storage: StateStorage, item: ItemPath, ...versions: readonly number[]): Promise<void> {
  for (const version of versions) expect(await storage.create(item, version, bytes(`value ${version}`))).toBe(true);
}

const reading: readonly StateStorageCase[] = [
  {
    name: 'an item that was never created is not there',
    async run({ storage }) {
      expect(await storage.newest(PINS, 0)).toBeUndefined();
      expect(await storage.version(PINS, 0)).toBe(0);
      expect(await storage.read(PINS, 1)).toBeUndefined();
    },
  },
  {
    name: 'what was created is read back, at once and byte for byte',
    async run({ storage }) {
      for (const [at, value] of [bytes('{}'), new Uint8Array(), new Uint8Array([0, 255, 10, 0])].entries()) {
        expect(await storage.create(PINS, at + 1, value)).toBe(true);
        const found = await storage.newest(PINS, at + 1);
        expect(found?.version).toBe(at + 1);
        expect([...(found?.value ?? [1])]).toEqual([...value]);
        expect(await storage.version(PINS, at)).toBe(at + 1);
        expect([...((await storage.read(PINS, at + 1)) ?? [1])]).toEqual([...value]);
      }
    },
  },
  {
    name: 'older versions stay readable until they are removed',
    async run({ storage }) {
      await fill(storage, PINS, 1, 2, 3, 7);
      expect(text(await storage.read(PINS, 2))).toBe('value 2');
      await storage.removeBelow(PINS, 3);
      expect(await storage.read(PINS, 2)).toBeUndefined();
      expect(text(await storage.read(PINS, 3))).toBe('value 3');
      expect(text((await storage.newest(PINS, 7))?.value)).toBe('value 7');
    },
  },
  {
    name: 'a large value comes back whole',
    async run({ storage }) {
      const value = new Uint8Array(3 * 1024 * 1024).map((_, at) => at % 251);
      expect(await storage.create(PINS, 1, value)).toBe(true);
      expect(Buffer.compare((await storage.newest(PINS, 1))?.value ?? bytes(''), value)).toBe(0);
      expect(Buffer.compare((await storage.read(PINS, 1)) ?? bytes(''), value)).toBe(0);
    },
  },
  {
    name: 'a value belongs to the storage: what its giver or its reader writes into it later changes nothing',
    async run({ storage }) {
      const given = bytes('as it was');
      const creating = storage.create(PINS, 1, given);
      given.fill(0);
      await creating;
      (await storage.newest(PINS, 1))?.value.fill(0);
      (await storage.read(PINS, 1))?.fill(0);
      expect(text((await storage.newest(PINS, 1))?.value)).toBe('as it was');
    },
  },
  {
    name: 'less than the caller knows of is refused, never answered',
    async run({ storage }) {
      await fill(storage, PINS, 3);
      await expect(storage.newest(PINS, 4)).rejects.toMatchObject(state);
      await expect(storage.version(PINS, 4)).rejects.toMatchObject(state);
      const never: ItemPath = ['main', 'pins', 'never'];
      await expect(storage.newest(never, 1)).rejects.toMatchObject(state);
      await expect(storage.version(never, 1)).rejects.toMatchObject(state);
    },
  },
  {
    name: 'a damaged item is refused and not taken for absent; others are untouched',
    async run({ storage, damage }) {
      const other: ItemPath = ['main', 'pins', 'other'];
      await fill(storage, PINS, 1);
      await fill(storage, other, 1);
      await damage(PINS);
      await expect(storage.newest(PINS, 0)).rejects.toMatchObject({ ...state, transient: false });
      await expect(storage.read(PINS, 1)).rejects.toMatchObject({ ...state, transient: false });
      expect(text((await storage.newest(other, 0))?.value)).toBe('value 1');
    },
  },
  {
    name: 'a damaged item keeps its number, and takes a newer version, which is whole',
    async run({ storage, damage, restart }) {
      await fill(storage, PINS, 1, 2);
      await damage(PINS);
      expect(await storage.version(PINS, 0)).toBe(2);
      expect(await storage.create(PINS, 2, bytes('again'))).toBe(false);
      await fill(storage, PINS, 3);
      expect(text((await storage.newest(PINS, 3))?.value)).toBe('value 3');
      expect(text((await (await restart()).newest(PINS, 3))?.value)).toBe('value 3');
    },
  },
];

const creating: readonly StateStorageCase[] = [
  {
    name: 'a version that is taken keeps its first value, and nobody is told that it won again',
    async run({ storage }) {
      expect(await storage.create(PINS, 1, bytes('first'))).toBe(true);
      expect(await storage.create(PINS, 1, bytes('second'))).toBe(false);
      expect(await storage.create(PINS, 1, bytes('first'))).toBe(false);
      expect(text((await storage.newest(PINS, 1))?.value)).toBe('first');
    },
  },
  {
    name: 'versions of several items that are created together are all there, for every party',
    async run({ storage, another, restart }) {
      const value = bytes('page');
      const others = [{ item: PAGE, version: 3, value }];
      const creating = storage.create(PINS, 1, bytes('pins'), { others });
      value.fill(0);
      expect(await creating).toBe(true);
      for (const begin of [async () => storage, another, restart]) {
        const party = await begin();
        expect(text((await party.newest(PINS, 1))?.value)).toBe('pins');
        expect(text((await party.newest(PAGE, 3))?.value)).toBe('page');
      }
    },
  },
  {
    name: 'where one of those that are created together is taken, none is created',
    async run({ storage, another }) {
      const party = await another();
      await fill(party, PAGE, 1);
      const others = (version: number) => ({ others: [{ item: PAGE, version, value: bytes('page') }] });
      expect(await storage.create(PINS, 1, bytes('pins'), others(1))).toBe(false);
      expect(await party.version(PINS, 0)).toBe(0);
      await fill(party, PINS, 1);
      expect(await storage.create(PINS, 1, bytes('pins'), others(2))).toBe(false);
      expect(await party.version(PAGE, 0)).toBe(1);
      expect(await storage.create(PINS, 2, bytes('pins'), others(2))).toBe(true);
    },
  },
  {
    name: 'what is created together is of one index, and each of it fits',
    async run({ storage }) {
      const large = new Uint8Array(STATE_VALUE_BYTES + 1);
      const wrong = [
        { item: ['other', 'pages', 'demo'] as const, version: 1, value: bytes('x') },
        { item: PAGE, version: 0, value: bytes('x') },
        { item: PAGE, version: 1, value: large },
      ];
      for (const each of wrong)
        await expect(storage.create(PINS, 1, bytes('pins'), { others: [each] })).rejects.toThrow();
      expect(await storage.version(PINS, 0)).toBe(0);
    },
  },
  {
    name: 'older versions go with the creation of a newer one, and stay where it is not created',
    async run({ storage }) {
      await fill(storage, PINS, 1, 2, 3);
      expect(await storage.create(PINS, 3, bytes('late'), { removeBelow: 3 })).toBe(false);
      expect(text(await storage.read(PINS, 1))).toBe('value 1');
      expect(await storage.create(PINS, 4, bytes('value 4'), { removeBelow: 3 })).toBe(true);
      expect(await storage.read(PINS, 2)).toBeUndefined();
      for (const kept of [3, 4]) expect(text(await storage.read(PINS, kept))).toBe(`value ${kept}`);
      expect(await storage.create(PINS, 5, bytes('value 5'), { removeBelow: 9 })).toBe(true);
      expect(text((await storage.newest(PINS, 5))?.value)).toBe('value 5');
    },
  },
  {
    name: 'a version below the newest is passed, though it was skipped',
    async run({ storage }) {
      await fill(storage, PINS, 2, 5);
      for (const passed of [1, 3, 4]) expect(await storage.create(PINS, passed, bytes('late'))).toBe(false);
      expect(await storage.read(PINS, 3)).toBeUndefined();
      expect(await storage.version(PINS, 5)).toBe(5);
    },
  },
  {
    name: 'a version that was removed is not created again',
    async run({ storage, another }) {
      await fill(storage, PINS, 1, 2, 3);
      await storage.removeBelow(PINS, 3);
      for (const party of [storage, await another()])
        for (const passed of [1, 2, 3]) expect(await party.create(PINS, passed, bytes('again'))).toBe(false);
    },
  },
  {
    name: 'the newest version is never removed',
    async run({ storage }) {
      await fill(storage, PINS, 1, 2);
      await storage.removeBelow(PINS, 1000);
      expect(text((await storage.newest(PINS, 2))?.value)).toBe('value 2');
      expect(await storage.read(PINS, 1)).toBeUndefined();
      await storage.removeBelow(['main', 'pins', 'never'], 1000);
    },
  },
  {
    name: 'of eight writers of one version one wins, and its value is the one that is kept',
    async run({ storage, another }) {
      const parties = [storage, await another()];
      for (let version = 1; version <= 25; version++) {
        const won = await Promise.all(
          Array.from({ length: 8 }, async (_, writer) =>
            (await parties[writer % 2]?.create(PINS, version, bytes(`${version} by ${writer}`))) ? [writer] : [],
          ),
        );
        expect(won.flat()).toHaveLength(1);
        for (const party of parties)
          expect(text((await party.newest(PINS, version))?.value)).toBe(`${version} by ${won.flat()[0]}`);
      }
    },
  },
  {
    name: 'what one party created every other sees, at once',
    async run({ storage, another, restart }) {
      const other = await another();
      for (let version = 1; version <= 20; version++) {
        const [one, two] = version % 2 === 0 ? [storage, other] : [other, storage];
        await fill(one, PINS, version);
        expect(await two.version(PINS, version - 1)).toBe(version);
        expect(text((await two.newest(PINS, version - 1))?.value)).toBe(`value ${version}`);
      }
      expect((await (await restart()).newest(PINS, 20))?.version).toBe(20);
    },
  },
  {
    name: 'many creates at once all last, each under its own name',
    async run({ storage, restart }) {
      const names = Array.from({ length: 200 }, (_, at) => `project-${at}`);
      await Promise.all(names.map((name) => storage.create(['main', 'pins', name], 1, bytes(name))));
      const after = await restart();
      for (const name of names) expect(text((await after.newest(['main', 'pins', name], 1))?.value)).toBe(name);
    },
  },
  {
    name: 'a value or a path larger than its limit is refused before anything of it is kept',
    async run({ storage }) {
      const long: ItemPath = ['main', 'é'.repeat(ITEM_PATH_BYTES / 2)];
      await expect(storage.create(long, 1, bytes('x'))).rejects.toMatchObject({ reason: 'limit' });
      await fill(storage, ['main', 'é'.repeat(ITEM_PATH_BYTES / 2 - 2)], 1);
      const large = new Uint8Array(STATE_VALUE_BYTES + 1);
      await expect(storage.create(PINS, 1, large)).rejects.toMatchObject({ reason: 'limit' });
      expect(await storage.version(PINS, 0)).toBe(0);
    },
  },
  {
    name: 'a version is a positive safe integer, and a name whole characters',
    async run({ storage }) {
      for (const version of [0, -1, 1.5, Number.NaN, 2 ** 53])
        await expect(storage.create(PINS, version, bytes('x'))).rejects.toThrow(TypeError);
      await expect(storage.create(['main', '\ud800'], 1, bytes('x'))).rejects.toThrow(TypeError);
      expect(await storage.create(PINS, Number.MAX_SAFE_INTEGER, bytes('x'))).toBe(true);
      expect(await storage.version(PINS, 1)).toBe(Number.MAX_SAFE_INTEGER);
    },
  },
];

/** Names that a careless join, escape or prefix would take for one another. */
const LIKE_EACH_OTHER: readonly ItemPath[] = [
  ['main'],
  ['main', ''],
  ['main', '', ''],
  ['main', 'a/b'],
  ['main', 'a', 'b'],
  ['main', 'a', 'b', ''],
  ['main', 'a%2Fb'],
  ['main', 'a%2fb'],
  ['main', 'a\\/b'],
  ['main', 'a\0b'],
  ['main', 'a\0', 'b'],
  ['main', 'A', 'b'],
  ['main', 'a '],
  ['main', 'a'],
  ['main', 'a.b'],
  ['main', 'a0'],
  ['main', '\u00e5'],
  ['main', 'a\u030a'],
  ['main', '𝒂'],
  ['main', '"a","b"'],
  ['main', '..', 'main', 'a'],
  ['main', '%'],
  ['main', '_'],
  ['main2', 'a'],
];

const naming: readonly StateStorageCase[] = [
  {
    name: 'no two paths are one item',
    async run({ storage, restart }) {
      for (const item of LIKE_EACH_OTHER)
        expect(await storage.create(item, 1, bytes(JSON.stringify(item))), JSON.stringify(item)).toBe(true);
      const after = await restart();
      for (const item of LIKE_EACH_OTHER) expect(text((await after.newest(item, 1))?.value)).toBe(JSON.stringify(item));
    },
  },
  {
    name: 'items are listed below whole names, each once, as they were named',
    async run({ storage }) {
      for (const item of LIKE_EACH_OTHER) await fill(storage, item, 1, 2);
      for (const below of [...LIKE_EACH_OTHER, ['other'] as ItemPath]) {
        const expected = LIKE_EACH_OTHER.filter((item) => below.every((name, at) => item[at] === name));
        expect(await listed(storage, below)).toEqual(expected.map((item) => JSON.stringify(item)).sort());
      }
    },
  },
  {
    name: 'a long list is whole, also where it grows and others write while it is read',
    async run({ storage, another }) {
      const names = Array.from({ length: 1200 }, (_, at) => `p${String(at).padStart(4, '0')}`);
      await Promise.all(names.map((name) => storage.create(['main', 'pages', name], 1, bytes(name))));
      const other = await another();
      const found = new Set<string>();
      for await (const [, , name = ''] of storage.items(['main', 'pages'])) {
        expect(found.has(name)).toBe(false);
        found.add(name);
        if (found.size % 100 === 0) await fill(other, ['main', 'pages', `p${name}`], 1);
      }
      expect(names.filter((name) => !found.has(name))).toEqual([]);
    },
  },
];

const settingAside: readonly StateStorageCase[] = [
  {
    name: 'what is set aside is gone, begins anew, and nothing beside it is touched',
    async run({ storage, restart }) {
      await fill(storage, ['main', 'tuf', 'current'], 7);
      await fill(storage, ['main', 'tuf', 'floor'], 3);
      await fill(storage, ['main', 'tuf2'], 4);
      await storage.setAside(['main', 'tuf'], 'until-1700000000');
      expect(await listed(storage, ['main'])).toEqual([JSON.stringify(['main', 'tuf2'])]);
      expect(await storage.version(['main', 'tuf', 'current'], 0)).toBe(0);
      await fill(storage, ['main', 'tuf', 'current'], 1);
      const after = await restart();
      expect(await after.version(['main', 'tuf', 'current'], 0)).toBe(1);
      expect(await after.version(['main', 'tuf', 'floor'], 0)).toBe(0);
      expect(await after.version(['main', 'tuf2'], 4)).toBe(4);
    },
  },
  {
    name: 'setting aside twice under one name, or what is not there, is no error',
    async run({ storage }) {
      await fill(storage, PINS, 1);
      await storage.setAside(['main', 'pins'], 'once');
      await storage.setAside(['main', 'pins'], 'once');
      await fill(storage, PINS, 1);
      await storage.setAside(['main', 'pins'], 'once');
      expect(await listed(storage, ['main'])).toEqual([]);
    },
  },
  {
    name: 'whoever remembers an item from before it was set aside is refused',
    async run({ storage, another }) {
      await fill(storage, PINS, 4);
      const other = await another();
      expect(await other.version(PINS, 0)).toBe(4);
      await storage.setAside(['main', 'pins'], 'by-an-operator');
      await expect(other.newest(PINS, 4)).rejects.toMatchObject(state);
      await expect(other.newest(PINS, 0)).rejects.toMatchObject(state);
      await expect(storage.newest(PINS, 4)).rejects.toMatchObject(state);
    },
  },
];

const lasting: readonly StateStorageCase[] = [
  {
    name: 'versions, values and what was removed are the same after a restart',
    async run({ storage, restart }) {
      await fill(storage, PINS, 1, 2, 3);
      await storage.removeBelow(PINS, 2);
      const after = await restart();
      expect(text((await after.newest(PINS, 3))?.value)).toBe('value 3');
      expect(await after.read(PINS, 1)).toBeUndefined();
      expect(text(await after.read(PINS, 2))).toBe('value 2');
      expect(await after.create(PINS, 3, bytes('again'))).toBe(false);
      await fill(after, PINS, 4);
    },
  },
];

export const STATE_STORAGE_CASES: readonly StateStorageCase[] = [
  ...reading,
  ...creating,
  ...naming,
  ...settingAside,
  ...lasting,
];

/** What every state storage has to do, on the one that `make` makes. */
export function stateStorageContract(name: string, make: () => Promise<StateStorageRig>): void {
  describe(`state storage: ${name}`, () => {
    it.each(STATE_STORAGE_CASES)('$name', async ({ run }) => {
      await run(await make());
    });
  });
}
