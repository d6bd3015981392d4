import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../../src/ports/object-store.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { replica } from '../../../support/machines.ts';
import { memoryObjects } from '../../../support/memory-objects.ts';
import { createMemoryState, type MemoryState } from '../../../support/memory-state.ts';

const FLOOR: ItemPath = ['main', 'tuf', 'timestamp'];
const ROOTS: ItemPath = ['main', 'tuf', 'root', '1'];
const PINS: ItemPath = ['main', 'pins', 'demo'];
const bytes = (text: string) => Buffer.from(text);
const open = (memory: MemoryState, objects: ObjectStore) => {
  const shared = replica(memory.party(), objects);
  return shared
    .of('main')
    .open()
    .then(() => shared);
};

/** What a mirror remembers that was alone until now. */
async function alone(floor = 9): Promise<MemoryState> {
  const memory = createMemoryState();
  const state = memory.party();
  await state.create(ROOTS, 1, bytes('a root'));
  for (const version of [floor - 1, floor]) await state.create(FLOOR, version, bytes(`floor ${version}`));
  await state.create(PINS, 3, bytes('pins'));
  return memory;
}

describe('a mirror that was alone', () => {
  it('founds a fleet with all that it remembers', async () => {
    const [objects, memory] = [memoryObjects(), await alone()];
    const founder = await open(memory, objects);
    expect(await founder.create(FLOOR, 10, bytes('floor 10'))).toBe(true);
    const joined = await open(createMemoryState(), objects);
    for (const version of [8, 9, 10]) expect((await joined.read(FLOOR, version))?.toString()).toBe(`floor ${version}`);
    expect((await joined.newest(ROOTS, 0))?.value.toString()).toBe('a root');
    expect(await joined.version(PINS, 0)).toBe(3);
    expect(await joined.create(FLOOR, 9, bytes('again'))).toBe(false);
  });

  it('is its founder also where it died between founding and noting that', async () => {
    const [objects, memory] = [memoryObjects(), await alone()];
    const dying = { ...memory.party(), apply: async () => Promise.reject(new Error('killed')) };
    await expect(replica(dying, objects).of('main').open()).rejects.toThrow('killed');
    const joined = await open(createMemoryState(), objects);
    expect(await joined.create(FLOOR, 10, bytes('floor 10'))).toBe(true);
    const founder = await open(memory, objects);
    expect((await founder.newest(FLOOR, 0))?.version).toBe(10);
  });

  it('founds one fleet with two processes that begin at once', async () => {
    const [objects, memory] = [memoryObjects(), await alone()];
    const [one, other] = await Promise.all([open(memory, objects), open(memory, objects)]);
    expect(await one.create(FLOOR, 10, bytes('floor 10'))).toBe(true);
    expect(await other.create(FLOOR, 11, bytes('floor 11'))).toBe(true);
  });

  it('is refused in words where a fleet was founded with other floors, and keeps its own', async () => {
    const objects = memoryObjects();
    await open(await alone(9), objects);
    const second = await alone(12);
    await expect(open(second, objects)).rejects.toMatchObject({
      reason: 'state',
      transient: false,
      message: expect.stringMatching(/tuf\/root\/1, tuf\/timestamp.* not what the fleet was founded with/),
    });
    expect(await second.party().version(FLOOR, 0)).toBe(12);
    const joined = await open(createMemoryState(), objects);
    expect(await joined.version(FLOOR, 0)).toBe(9);
  });

  it('founds nothing while the store is away, and nothing with half of what it remembers', async () => {
    const [objects, memory] = [memoryObjects(), await alone()];
    const broken: ObjectStore = {
      ...objects,
      create: async (key, value) =>
        key.includes('/parts/') ? Promise.reject(new Error('cut')) : objects.create(key, value),
    };
    await expect(replica(memory.party(), broken).of('main').open()).rejects.toThrow('cut');
    expect(objects.objects.size).toBe(0);
    await open(memory, objects);
  });

  it('whose parts are damaged in the store is not joined', async () => {
    const [objects, memory] = [memoryObjects(), await alone()];
    await open(memory, objects);
    for (const [key, value] of objects.objects)
      if (key.includes('/parts/')) objects.objects.set(key, value.subarray(1));
    await expect(open(createMemoryState(), objects)).rejects.toMatchObject({ reason: 'state', transient: false });
  });
});
