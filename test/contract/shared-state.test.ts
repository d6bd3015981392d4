import type { ObjectStore } from '../../src/ports/object-store.ts';
import type { StateCopy } from '../../src/ports/state-storage.ts';
import type { SharedState } from '../../src/state/fleet/shared-state.ts';
import { replica, upToDate } from '../support/machines.ts';
import { memoryObjects } from '../support/memory-objects.ts';
import { createMemoryState, type MemoryState } from '../support/memory-state.ts';
import { flipValue, party, scratchDirectory } from '../unit/disk/state/rig.ts';
import { stateStorageContract } from './state-storage.ts';

stateStorageContract('shared, by processes of one machine', async () => {
  const [memory, objects] = [createMemoryState(), memoryObjects()];
  const process = async () => replica(memory.party(), objects);
  return {
    storage: await process(),
    another: process,
    restart: process,
    damage: async (item) => memory.damage(item),
  };
});

stateStorageContract('shared, by machines of their own', async () => {
  const objects = memoryObjects();
  const machines: MemoryState[] = [];
  const machine = async () => {
    const memory = createMemoryState();
    machines.push(memory);
    return upToDate(replica(memory.party(), objects));
  };
  const storage = await machine();
  return {
    storage,
    another: machine,
    // Of the first there is its disk still.
    restart: async () => upToDate(replica((machines[0] ?? createMemoryState()).party(), objects)),
    damage: async (item) => machines[0]?.damage(item),
  };
});

stateStorageContract('shared, by machines that come back with an empty disk', async () => {
  const objects = memoryObjects();
  let memory = createMemoryState();
  const machine = async () => {
    memory = createMemoryState();
    return upToDate(replica(memory.party(), objects));
  };
  const storage = await machine();
  const first = memory;
  return {
    storage,
    another: machine,
    restart: machine,
    damage: async (item) => {
      first.damage(item);
    },
  };
});

stateStorageContract('shared, over SQLite', async () => {
  const objects = memoryObjects();
  const root = await scratchDirectory();
  const process = async () => replica((await party(root)).state, objects);
  return {
    storage: await process(),
    another: process,
    restart: process,
    damage: async (item) => flipValue(root, item),
  };
});

/** Every other entry has the log cut. */
function cutting(local: StateCopy, objects: ObjectStore) {
  const shared: SharedState = replica(local, objects, {
    segment: 2,
    dueBytes: 0,
    onTurn: (index) =>
      void shared
        .of(index)
        .compact()
        .catch(() => undefined),
  });
  return upToDate(shared);
}

stateStorageContract('shared, over a log that is cut, by machines that come back with an empty disk', async () => {
  const objects = memoryObjects();
  let memory = createMemoryState();
  const machine = async () => {
    memory = createMemoryState();
    return cutting(memory.party(), objects);
  };
  const storage = await machine();
  const first = memory;
  return {
    storage,
    another: machine,
    restart: machine,
    damage: async (item) => {
      first.damage(item);
    },
  };
});

stateStorageContract('shared, over a log that is cut, by machines with SQLite', async () => {
  const objects = memoryObjects();
  const roots = [await scratchDirectory()];
  const machine = async (root: string) => cutting((await party(root)).state, objects);
  return {
    storage: await machine(roots[0] ?? ''),
    another: async () => machine(await scratchDirectory()),
    restart: () => machine(roots[0] ?? ''),
    damage: async (item) => flipValue(roots[0] ?? '', item),
  };
});
