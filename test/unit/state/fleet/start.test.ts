import { describe, expect, it } from 'vitest';
import { type ObjectStore, ObjectStoreError } from '../../../../src/ports/object-store.ts';
import type { ItemPath, StateCopy } from '../../../../src/ports/state-storage.ts';
import { SharedState } from '../../../../src/state/fleet/shared-state.ts';
import { replica, SEAL_KEY } from '../../../support/machines.ts';
import { memoryObjects } from '../../../support/memory-objects.ts';
import { createMemoryState } from '../../../support/memory-state.ts';

const FLOOR: ItemPath = ['main', 'tuf', 'timestamp'];
const FIRST = 'state/main/log/000000000000';
const bytes = (text: string) => Buffer.from(text);
const key = (number: number) => `state/main/log/${String(number).padStart(12, '0')}`;

/** A fleet of one, that has written so many versions of its floor. */
async function fleet(versions: number, objects = memoryObjects()) {
  const memory = createMemoryState();
  const shared = replica(memory.party(), objects);
  for (let version = 1; version <= versions; version++)
    expect(await shared.create(FLOOR, version, bytes(`floor ${version}`))).toBe(true);
  return { objects, memory, shared, again: () => replica(memory.party(), objects) };
}

function away(objects: ObjectStore): ObjectStore {
  const fail = async () => {
    throw new ObjectStoreError('away', 'no route to it');
  };
  return { ...objects, get: fail, create: fail };
}

const refused = { name: 'Refusal', reason: 'state', transient: false };
const waits = { name: 'Refusal', reason: 'state', transient: true };

async function started(local: StateCopy, objects: ObjectStore): Promise<SharedState> {
  const shared = replica(local, objects);
  await shared.of('main').open();
  return shared;
}

describe('a replica that starts', () => {
  it('on an empty disk knows what its sisters accepted', async () => {
    const { objects } = await fleet(30);
    const shared = await started(createMemoryState().party(), objects);
    expect((await shared.newest(FLOOR, 0))?.value.toString()).toBe('floor 30');
  });

  it('on an empty disk accepts nothing while the store is away', async () => {
    await expect(started(createMemoryState().party(), away(memoryObjects()))).rejects.toMatchObject(waits);
  });

  it('with a copy goes on from it while the store is away, says so, and believes nothing new', async () => {
    const { memory, objects } = await fleet(2);
    const shared = replica(memory.party(), away(objects));
    expect(await shared.of('main').open()).toBe(false);
    expect((await shared.newest(FLOOR, 2))?.value.toString()).toBe('floor 2');
    await expect(shared.create(FLOOR, 3, bytes('new'))).rejects.toMatchObject(waits);
    expect(await shared.version(FLOOR, 0)).toBe(2);
  });

  it('refuses a store that was emptied', async () => {
    const { memory } = await fleet(2);
    await expect(started(memory.party(), memoryObjects())).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('emptied'),
    });
  });

  it('refuses another log than the one it followed', async () => {
    const { memory } = await fleet(2);
    const { objects } = await fleet(2);
    await expect(started(memory.party(), objects)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('another log'),
    });
  });

  it('refuses a log that was put back to what it was', async () => {
    const { memory, objects } = await fleet(3);
    objects.objects.delete(key(3));
    await expect(started(memory.party(), objects)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('put back'),
    });
  });

  it('refuses a log that went on otherwise from where it was put back to', async () => {
    const { memory, objects } = await fleet(3);
    objects.objects.delete(key(3));
    const other = await started(createMemoryState().party(), objects);
    expect(await other.create(FLOOR, 3, bytes('another'))).toBe(true);
    await expect(started(memory.party(), objects)).rejects.toMatchObject(refused);
  });

  it('with state of its own that was never part of the fleet is told so', async () => {
    const { objects } = await fleet(1);
    const memory = createMemoryState();
    await memory.party().create(FLOOR, 9, bytes('alone'));
    await expect(started(memory.party(), objects)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('never part of the fleet'),
    });
    expect((await memory.party().newest(FLOOR, 0))?.version).toBe(9);
  });

  it('finishes what was in the log and not yet in its copy', async () => {
    const { memory, objects } = await fleet(1);
    const broken = { ...memory.party(), apply: async () => Promise.reject(new Error('the disk is full')) };
    await expect(replica(broken, objects).create(FLOOR, 2, bytes('floor 2'))).rejects.toThrow('full');
    expect(await memory.party().version(FLOOR, 0)).toBe(1);
    const shared = await started(memory.party(), objects);
    expect((await shared.newest(FLOOR, 0))?.version).toBe(2);
  });
});

describe('an entry that is not believed', () => {
  const spoilt: readonly (readonly [string, (objects: Map<string, Uint8Array>) => void])[] = [
    ['is cut', (objects) => objects.set(key(2), (objects.get(key(2)) ?? bytes('')).subarray(0, -1))],
    ['is empty', (objects) => objects.set(key(2), bytes(''))],
    ['has one bit changed', (objects) => flip(objects.get(key(2)))],
    ['is of another number', (objects) => objects.set(key(2), objects.get(key(1)) ?? bytes(''))],
    ['begins the log once more', (objects) => objects.set(key(2), objects.get(FIRST) ?? bytes(''))],
  ];

  it.each(spoilt)('%s: nothing after it is accepted, and what was held is served', async (_, spoil) => {
    const { objects, memory } = await fleet(1);
    const other = await started(createMemoryState().party(), objects);
    await other.create(FLOOR, 2, bytes('floor 2'));
    await other.create(FLOOR, 3, bytes('floor 3'));
    spoil(objects.objects);
    const shared = replica(memory.party(), objects);
    await expect(shared.of('main').sync()).rejects.toMatchObject(refused);
    await expect(shared.create(FLOOR, 4, bytes('new'))).rejects.toMatchObject(refused);
    expect((await shared.newest(FLOOR, 0))?.value.toString()).toBe('floor 1');
    await expect(started(createMemoryState().party(), objects)).rejects.toMatchObject(refused);
  });

  it('was sealed for another index', async () => {
    const { objects, shared } = await fleet(1);
    await shared.create(['other', 'tuf'], 1, bytes('x'));
    await shared.create(['other', 'tuf'], 2, bytes('y'));
    objects.objects.set(key(2), objects.objects.get('state/other/log/000000000002') ?? bytes(''));
    await expect(shared.of('main').sync()).rejects.toMatchObject(refused);
  });

  it('was sealed under another key', async () => {
    const { objects } = await fleet(1);
    const stranger = new SharedState({
      local: createMemoryState().party(),
      objects,
      sealKey: Buffer.from('a key of somebody who is not part of it'),
    });
    await expect(stranger.of('main').open()).rejects.toMatchObject(refused);
    expect(SEAL_KEY.byteLength).toBeGreaterThan(16);
  });

  it('follows another history than its number says', async () => {
    const [one, two] = [await fleet(3), await fleet(1)];
    const copied = createMemoryState();
    await started(copied.party(), two.objects);
    two.objects.objects.set(key(2), one.objects.objects.get(key(2)) ?? bytes(''));
    await expect(started(copied.party(), two.objects)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('does not follow'),
    });
  });

  it('is larger than any entry may be', async () => {
    const { objects, shared } = await fleet(1);
    const large = { ...objects, get: (at: string) => objects.get(at, at === key(2) ? 0 : 1e6) };
    objects.objects.set(key(2), bytes('large'));
    await expect(replica(createMemoryState().party(), large).of('main').sync()).rejects.toMatchObject(refused);
    expect(await shared.version(FLOOR, 0)).toBe(1);
  });
});

describe('a write', () => {
  it('whose result is unknown is not believed, and is found by whoever reads on', async () => {
    const { objects, memory } = await fleet(1);
    let cuts = 1;
    const cut: ObjectStore = {
      ...objects,
      async create(at, value) {
        const outcome = await objects.create(at, value);
        if (cuts-- > 0) throw new ObjectStoreError('away', 'the connection was cut');
        return outcome;
      },
    };
    const shared = replica(memory.party(), cut);
    await expect(shared.create(FLOOR, 2, bytes('floor 2'))).rejects.toMatchObject(waits);
    expect(await shared.version(FLOOR, 0)).toBe(1);
    expect(await shared.create(FLOOR, 2, bytes('again'))).toBe(false);
    expect((await shared.newest(FLOOR, 0))?.value.toString()).toBe('floor 2');
  });

  it('that lost the race for a number goes into the next one', async () => {
    const { objects, shared } = await fleet(1);
    const other = await started(createMemoryState().party(), objects);
    await other.create(['main', 'pins', 'demo'], 1, bytes('theirs'));
    expect(await shared.create(FLOOR, 2, bytes('ours'))).toBe(true);
    expect((await shared.newest(['main', 'pins', 'demo'], 0))?.value.toString()).toBe('theirs');
    expect([...objects.objects.keys()].filter((at) => at.startsWith('state/main/'))).toHaveLength(4);
  });

  it('of many at once goes into few entries', async () => {
    const { objects, shared } = await fleet(1);
    const names = Array.from({ length: 500 }, (_, at) => `project-${at}`);
    await Promise.all(names.map((name) => shared.create(['main', 'pins', name], 1, bytes(name))));
    expect(objects.objects.size).toBeLessThan(8);
  });
});

function flip(value: Uint8Array | undefined): void {
  if (value !== undefined) value[10] = (value[10] ?? 0) ^ 1;
}
