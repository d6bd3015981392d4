import { expect, it } from 'vitest';
import type { ObjectStore } from '../../../../src/ports/object-store.ts';
import type { ItemPath, StateCopy } from '../../../../src/ports/state-storage.ts';
import { StateLog } from '../../../../src/state/fleet/log.ts';
import { ENTRY_BYTES, EntrySeal } from '../../../../src/state/fleet/log-entry.ts';
import { IndexObjects } from '../../../../src/state/fleet/objects.ts';
import { notesPath, readPosition } from '../../../../src/state/fleet/position.ts';
import { SharedState } from '../../../../src/state/fleet/shared-state.ts';
import { SEAL_KEY } from '../../../support/machines.ts';
import { memoryObjects } from '../../../support/memory-objects.ts';
import { createMemoryState } from '../../../support/memory-state.ts';

// A store or a copy that contradicts itself ends a write in words, and not in a circle.

const PAGE: ItemPath = ['main', 'pages', 'demo'];
const value = Buffer.from('a page');
const PASSING = { reason: 'state', transient: true };

function replica(objects: ObjectStore, local: StateCopy = createMemoryState().party()): SharedState {
  return new SharedState({
    local,
    objects,
    sealKey: SEAL_KEY,
    onWritten: () => undefined,
    onRead: () => undefined,
    monotonicMs: () => 0,
  });
}

it('a store that says that a log begins, and shows none, is asked later again', async () => {
  const shared = replica({ ...memoryObjects(), create: async () => 'taken', get: async () => undefined });
  await expect(shared.of('main').sync()).rejects.toMatchObject(PASSING);
});

it('a store that says that an entry is taken, and shows none, is asked later again', async () => {
  const objects = memoryObjects();
  let creations = 0;
  const shared = replica({
    ...objects,
    async create(...given) {
      if (++creations > 20) throw new Error('it goes in circles');
      return creations === 1 ? objects.create(...given) : 'taken';
    },
  });
  await expect(shared.create(PAGE, 1, value)).rejects.toMatchObject(PASSING);
});

it('a copy that does not take an entry has not come to it', async () => {
  const local = createMemoryState().party();
  await expect(
    replica(memoryObjects(), { ...local, apply: async () => false })
      .of('main')
      .sync(),
  ).rejects.toMatchObject(PASSING);
  let applied = 0;
  const stuck = replica(memoryObjects(), {
    ...local,
    apply: async (...given) => ++applied === 1 && local.apply(...given),
  });
  await expect(stuck.create(PAGE, 1, value)).rejects.toMatchObject(PASSING);
});

it('a copy whose note of how far it has come cannot be read follows nothing', async () => {
  const local = createMemoryState().party();
  await local.create([...notesPath('main'), 'log'], 1, Buffer.from('{}'));
  await expect(readPosition(local, 'main')).rejects.toMatchObject({ reason: 'state', transient: false });
});

it('a change that no state may hold is refused before any store is asked', async () => {
  const objects = memoryObjects();
  await expect(replica(objects).create(PAGE, 0, value)).rejects.toThrow();
  expect(objects.objects.size).toBe(0);
});

it('an entry that creates nothing is none', () => {
  const seal = new EntrySeal('main', SEAL_KEY);
  const entry = { number: 1, previous: '', changes: [{ kind: 'create', creations: [] }] } as const;
  expect(seal.open(seal.close(entry), 1)).toBeUndefined();
});

it('an entry that is larger than any that is read is not created', async () => {
  const objects = memoryObjects();
  const log = new StateLog(new IndexObjects('main', objects), new EntrySeal('main', SEAL_KEY));
  const creations = [{ item: PAGE, version: 1, value: new Uint8Array(ENTRY_BYTES) }];
  const entry = { number: 1, previous: '', changes: [{ kind: 'create', creations }] } as const;
  await expect(log.create(entry)).rejects.toMatchObject({ reason: 'limit' });
  expect(objects.objects.size).toBe(0);
});
