import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../../src/bytes/refusal.ts';
import { type ObjectStore, ObjectStoreError } from '../../../../src/ports/object-store.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { EntrySeal } from '../../../../src/state/fleet/log-entry.ts';
import type { SharedState } from '../../../../src/state/fleet/shared-state.ts';
import { replica, SEAL_KEY } from '../../../support/machines.ts';
import { memoryObjects } from '../../../support/memory-objects.ts';
import { createMemoryState, type MemoryState } from '../../../support/memory-state.ts';

const FLOOR: ItemPath = ['main', 'tuf', 'timestamp'];
const SEGMENT = 4;
const refused = { name: 'Refusal', reason: 'state', transient: false };
const bytes = (text: string) => Buffer.from(text);
const key = (number: number) => `state/main/log/${String(number).padStart(12, '0')}`;

function machine(objects: ObjectStore, memory = createMemoryState(), dueBytes = 0, read: string[] = []) {
  const shared = replica(memory.party(), objects, {
    segment: SEGMENT,
    dueBytes,
    onRead: (_, items) => void read.push(...items.map((item) => item.join('/'))),
  });
  return { memory, shared, compact: () => shared.of('main').compact() };
}

/** Writes so many versions of the floor. */
async function raise(shared: SharedState, versions: number): Promise<void> {
  const from = await shared.version(FLOOR, 0);
  for (let version = from + 1; version <= from + versions; version++)
    expect(await shared.create(FLOOR, version, bytes(`floor ${version}`))).toBe(true);
}

async function floors(shared: SharedState): Promise<readonly string[]> {
  const all: string[] = [];
  const newest = await shared.version(FLOOR, 0);
  for (let version = 1; version <= newest; version++)
    all.push(Buffer.from((await shared.read(FLOOR, version)) ?? []).toString());
  return all;
}

const expected = (newest: number) => Array.from({ length: newest }, (_, at) => `floor ${at + 1}`);

/** A log of 40 entries of which the first are gone, and a machine that stopped at `lag`. */
async function cutFleet(lag = 2) {
  const objects = memoryObjects();
  const one = machine(objects);
  await raise(one.shared, lag);
  const old = machine(objects);
  await old.shared.of('main').sync();
  await raise(one.shared, 10 - lag);
  for (let round = 0; round < 3; round++) {
    expect(await one.compact()).toMatchObject({ index: 'main', number: 10 * (round + 1) });
    await raise(one.shared, 10);
  }
  const logged = [...objects.objects.keys()].filter((each) => each.includes('/log/')).toSorted();
  return { objects, one, old, logged };
}

const lagging = (memory: MemoryState, objects: ObjectStore) => machine(objects, memory).shared;

describe('a log that is cut', () => {
  it('loses what two snapshots have, and keeps its beginning and what came behind them', async () => {
    const { logged, objects } = await cutFleet();
    expect(logged).toEqual([key(0), ...Array.from({ length: 33 }, (_, at) => key(8 + at))]);
    const kinds = [...objects.objects.keys()].map((each) => each.split('/').slice(2).join('/'));
    expect(kinds.filter((each) => each.startsWith('snapshots/')).toSorted()).toEqual([
      'snapshots/000000000020',
      'snapshots/000000000030',
    ]);
    expect(new Set(kinds.filter((each) => each.startsWith('parts/')).map((each) => each.split('/')[1])).size).toBe(2);
  });

  it('is nothing less to a replica that joins', async () => {
    const { objects } = await cutFleet();
    const joined = machine(objects);
    await joined.shared.of('main').open();
    expect(await floors(joined.shared)).toEqual(expected(40));
    await raise(joined.shared, 1);
  });

  it('is passed by a replica that stopped before the cut, by way of a snapshot, and it is told what may have changed', async () => {
    const { objects, old } = await cutFleet();
    const read: string[] = [];
    const back = machine(objects, old.memory, 0, read);
    await back.shared.of('main').open();
    expect(await floors(back.shared)).toEqual(expected(40));
    await old.shared.of('main').sync();
    expect(await floors(old.shared)).toEqual(expected(40));
    const running = machine(objects, createMemoryState(), 0, read);
    await running.shared.of('main').sync();
    expect(read).toEqual([]);
  });

  it('is told to a process that runs as something that may have changed anything', async () => {
    const objects = memoryObjects();
    const read: string[] = [];
    const [one, slow] = [machine(objects), machine(objects, createMemoryState(), 0, read)];
    await raise(one.shared, 1);
    await slow.shared.of('main').sync();
    for (let round = 0; round < 3; round++) {
      await raise(one.shared, 10);
      await one.compact();
    }
    await slow.shared.of('main').sync();
    expect(read).toContain(FLOOR.join('/'));
    expect(await floors(slow.shared)).toEqual(expected(31));
  });

  it('takes what a replica writes that did not know of the cut', async () => {
    const { old, one } = await cutFleet();
    await expect(old.shared.create(['main', 'pins', 'a'], 1, bytes('a'))).resolves.toBe(true);
    await one.shared.of('main').sync();
    expect(await one.shared.version(['main', 'pins', 'a'], 0)).toBe(1);
    expect(await floors(old.shared)).toEqual(expected(40));
  });

  it('is not lengthened where it was cut, by a write that lands late', async () => {
    const { objects, old } = await cutFleet(2);
    // What the machine that stopped had sent away before.
    const late = memoryObjects();
    for (const [name, value] of objects.objects) late.objects.set(name, value);
    for (const name of [...late.objects.keys()]) if (!name.endsWith(key(0))) late.objects.delete(name);
    const stray = machine(late, createMemoryState());
    await raise(stray.shared, 3);
    for (const number of [1, 2, 3]) objects.objects.set(key(number), late.objects.get(key(number)) ?? bytes(''));
    const back = machine(objects, old.memory);
    await back.shared.of('main').open();
    expect(await floors(back.shared)).toEqual(expected(40));
    const joined = machine(objects);
    await joined.shared.of('main').open();
    expect(await floors(joined.shared)).toEqual(expected(40));
  });

  it('is refused by a replica whose last entry it never had', async () => {
    const { objects } = await cutFleet();
    const foreign = memoryObjects();
    foreign.objects.set(key(0), objects.objects.get(key(0)) ?? bytes(''));
    const other = machine(foreign);
    await raise(other.shared, 2);
    await expect(lagging(other.memory, objects).of('main').open()).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('was not the one that was seen here'),
    });
    expect(await floors(other.shared)).toEqual(expected(2));
  });

  it('without a snapshot is refused by who would need one, in words', async () => {
    const { objects, old, one } = await cutFleet();
    for (const name of [...objects.objects.keys()]) if (name.includes('/snapshots/')) objects.objects.delete(name);
    await expect(lagging(old.memory, objects).of('main').open()).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('there is no snapshot'),
    });
    await expect(machine(objects).shared.of('main').open()).rejects.toMatchObject(refused);
    await one.shared.of('main').prove();
  });
});

describe('a snapshot', () => {
  it('is not due before there is much to be read', async () => {
    const objects = memoryObjects();
    const one = machine(objects, createMemoryState(), 1e6);
    await raise(one.shared, 20);
    expect(await one.compact()).toBeUndefined();
    expect([...objects.objects.keys()].every((each) => each.includes('/log/'))).toBe(true);
  });

  it('that does not read back as it was written makes nothing go', async () => {
    const objects = memoryObjects();
    const one = machine(objects);
    for (let round = 0; round < 2; round++) {
      await raise(one.shared, 10);
      await one.compact();
    }
    const logged = () => [...objects.objects.keys()].filter((each) => each.includes('/log/')).length;
    const before = logged();
    const lying: ObjectStore = {
      ...objects,
      create: (name, value) => objects.create(name, name.includes('/parts/') ? value.subarray(1) : value),
    };
    const other = machine(lying);
    await other.shared.of('main').open();
    for (let round = 0; round < 2; round++) {
      await raise(other.shared, 10);
      await expect(other.compact()).rejects.toMatchObject({ reason: 'state' });
    }
    expect(logged()).toBe(before + 20);
    const joined = machine(objects);
    await joined.shared.of('main').open();
    expect(await floors(joined.shared)).toEqual(expected(40));
  });

  it('that is forged or damaged is passed over for the one before', async () => {
    const { objects } = await cutFleet();
    objects.objects.set('state/main/snapshots/000000000030', bytes('a forgery'));
    objects.objects.set('state/main/snapshots/000000000099', bytes('a forgery'));
    objects.objects.set('state/main/snapshots/none', bytes('a forgery'));
    const joined = machine(objects);
    await joined.shared.of('main').open();
    expect(await floors(joined.shared)).toEqual(expected(40));
  });

  it('whose writer died half way leaves nothing behind for long', async () => {
    const objects = memoryObjects();
    const one = machine(objects);
    await raise(one.shared, 10);
    const dying = machine({
      ...objects,
      create: async (...given) => {
        const outcome = await objects.create(...given);
        if (given[0].includes('/parts/')) throw new Error('killed');
        return outcome;
      },
    });
    await dying.shared.of('main').open();
    await expect(dying.compact()).rejects.toThrow('killed');
    await one.compact();
    const folders = [...objects.objects.keys()].filter((each) => each.includes('/parts/'));
    expect(folders).toHaveLength(1);
  });

  it('of another is not taken for one’s own where two are at it', async () => {
    const objects = memoryObjects();
    const one = machine(objects);
    const other = machine(objects);
    await raise(one.shared, 10);
    await other.shared.of('main').sync();
    const [first, second] = await Promise.all([one.compact(), other.compact()]);
    expect([first, second].filter((each) => each !== undefined)).toHaveLength(1);
    const joined = machine(objects);
    await joined.shared.of('main').open();
    expect(await floors(joined.shared)).toEqual(expected(10));
  });

  it('is taken in turn by whoever wrote the first entry of a segment', async () => {
    const objects = memoryObjects();
    const turns: string[] = [];
    const made = (name: string) =>
      replica(createMemoryState().party(), objects, { segment: SEGMENT, onTurn: () => void turns.push(name) });
    const [one, other] = [made('one'), made('other')];
    await raise(one, 3);
    await other.of('main').sync();
    await raise(other, 1);
    expect(turns).toEqual(['other']);
  });
});

describe('a store that says one thing and then another', () => {
  const hides = (objects: ObjectStore, hidden: (name: string) => boolean): ObjectStore => ({
    ...objects,
    get: async (name, limit) => (hidden(name) ? undefined : objects.get(name, limit)),
  });
  const waits = { reason: 'state', transient: true };

  /** A machine that has come to entry 40 of the cut log, and finds the store otherwise from then on. */
  async function meanwhile(changed: (objects: ObjectStore) => ObjectStore) {
    const { objects } = await cutFleet();
    let isChanged = false;
    const other = changed(objects);
    const one = machine({
      ...objects,
      get: (name, limit) => (isChanged ? other : objects).get(name, limit),
    });
    await one.shared.of('main').open();
    isChanged = true;
    const logged = () => [...objects.objects.keys()].filter((each) => each.includes('/log/')).length;
    return { ...one, logged };
  }

  it('of a segment that was passed is asked later again by a replica that lags behind', async () => {
    const { objects, old } = await cutFleet();
    let asked = 0;
    const once = hides(objects, (name) => name.includes('/passed/') && ++asked > 1);
    await expect(lagging(old.memory, once).of('main').sync()).rejects.toMatchObject(waits);
    expect(await floors(old.shared)).toEqual(expected(2));
  });

  it('of the entry that a snapshot stands at cuts nothing', async () => {
    const { compact, logged } = await meanwhile((objects) => hides(objects, (name) => name === key(40)));
    const before = logged();
    await expect(compact()).rejects.toMatchObject(waits);
    expect(logged()).toBe(before);
  });

  it('of a segment that was passed names no other', async () => {
    const { compact } = await meanwhile((objects) => hides(objects, (name) => name.includes('/passed/')));
    await expect(compact()).rejects.toMatchObject(waits);
  });

  it('of an entry names no segment that has it', async () => {
    const { compact } = await meanwhile((objects) => hides(objects, (name) => name === key(22)));
    await expect(compact()).rejects.toMatchObject(waits);
  });

  it('and has an entry that follows another than the one before it names no segment that has it', async () => {
    const stray = new EntrySeal('main', SEAL_KEY).close({ number: 22, previous: 'another', changes: [] });
    const { compact } = await meanwhile((objects) => ({
      ...objects,
      get: async (name, limit) => (name === key(22) ? stray : objects.get(name, limit)),
    }));
    await expect(compact()).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('does not follow the one before'),
    });
  });
});

describe('a replica that joins by a snapshot', () => {
  const isPart = (name: string) => name.includes('/parts/');

  it('waits for the newest while the store is away, and takes none before it', async () => {
    const { objects } = await cutFleet();
    const away: ObjectStore = {
      ...objects,
      async get(name, limit) {
        if (name.includes('/parts/000000000030-')) throw new ObjectStoreError('away', 'no route to it');
        return objects.get(name, limit);
      },
    };
    await expect(machine(away).shared.of('main').open()).rejects.toMatchObject({ reason: 'state', transient: true });
  });

  it('and has no room for the newest says so, and takes none before it', async () => {
    const { objects } = await cutFleet();
    const memory = createMemoryState();
    const local = memory.party();
    let replaced = 0;
    const full = {
      ...local,
      async replace(...given: Parameters<typeof local.replace>) {
        if (++replaced === 1) throw new Refusal('limit', 'The disk is full.', { subject: 'state' });
        return local.replace(...given);
      },
    };
    await expect(replica(full, objects, { segment: SEGMENT }).of('main').open()).rejects.toMatchObject({
      reason: 'limit',
    });
    expect(await memory.party().version(FLOOR, 0)).toBe(0);
  });

  it('does not begin with nothing where none of them is whole', async () => {
    const { objects } = await cutFleet();
    for (const name of [...objects.objects.keys()]) if (isPart(name)) objects.objects.set(name, bytes('damaged'));
    const joined = machine(objects);
    await expect(joined.shared.of('main').open()).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('missing or damaged'),
    });
    expect(await joined.shared.version(FLOOR, 0)).toBe(0);
  });
});
