import { expect, it, onTestFinished, vi } from 'vitest';
import { type ObjectStore, ObjectStoreError } from '../../../../src/ports/object-store.ts';
import type { StateHints } from '../../../../src/ports/state-hints.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { Follower } from '../../../../src/state/fleet/follower.ts';
import { SharedState } from '../../../../src/state/fleet/shared-state.ts';
import { SEAL_KEY } from '../../../support/machines.ts';
import { memoryObjects } from '../../../support/memory-objects.ts';
import { createMemoryState } from '../../../support/memory-state.ts';

const PAGE: ItemPath = ['main', 'pages', 'demo'];
const HOUR_MS = 3_600_000;
const value = Buffer.from('a page');

function hintsOfThisProcess(): StateHints {
  const listeners = new Set<(index: string) => void>();
  return {
    tell: (index) => listeners.forEach((heard) => void heard(index)),
    listen(heard) {
      listeners.add(heard);
      return () => void listeners.delete(heard);
    },
  };
}

function replicaThatTells(objects: ObjectStore, hints?: StateHints, memory = createMemoryState()) {
  const read: ItemPath[] = [];
  const shared = new SharedState({
    local: memory.party(),
    objects,
    sealKey: SEAL_KEY,
    onWritten: (index) => hints?.tell(index),
    onRead: (_, items) => void read.push(...items),
    monotonicMs: () => 0,
  });
  return { shared, read };
}

async function follow(shared: SharedState, everyMs: number, hints?: StateHints, onTurn?: () => void) {
  const follower = new Follower({ index: 'main', shared: shared.of('main'), everyMs, hints, nowMs: () => 7, onTurn });
  onTestFinished(() => follower.close());
  await follower.start();
  return follower;
}

it('what another wrote is here at the next look, and is told once', async () => {
  const objects = memoryObjects();
  const [one, other] = [replicaThatTells(objects), replicaThatTells(objects)];
  const follower = await follow(other.shared, 5);
  await one.shared.create(PAGE, 1, value);
  await vi.waitFor(() => expect(other.read).toEqual([PAGE]));
  expect(await other.shared.version(PAGE, 0)).toBe(1);
  expect(follower.standing).toMatchObject({ entry: 1, followedAt: 7, alone: undefined });
  await other.shared.create(PAGE, 2, value);
  await vi.waitFor(() => expect(follower.standing.entry).toBe(2));
  expect(other.read).toEqual([PAGE]);
});

it('what another process of the same machine brought here is told all the same', async () => {
  const [objects, memory] = [memoryObjects(), createMemoryState()];
  const [one, beside, other] = [
    replicaThatTells(objects),
    replicaThatTells(objects, undefined, memory),
    replicaThatTells(objects, undefined, memory),
  ];
  await other.shared.of('main').sync();
  await one.shared.create(PAGE, 1, value);
  await beside.shared.of('main').sync();
  await other.shared.of('main').sync();
  expect(other.read).toEqual([PAGE]);
});

it('a hint makes it look at once', async () => {
  const [objects, hints] = [memoryObjects(), hintsOfThisProcess()];
  const [one, other] = [replicaThatTells(objects, hints), replicaThatTells(objects, hints)];
  await follow(other.shared, HOUR_MS, hints);
  await one.shared.create(PAGE, 1, value);
  await vi.waitFor(() => expect(other.read).toEqual([PAGE]));
});

it('a store that is away is told when it goes and when it is back, and writes do not wait for it meanwhile', async () => {
  const objects = memoryObjects();
  let asked = 0;
  let isAway = false;
  const store: ObjectStore = {
    ...objects,
    get(...given) {
      asked++;
      return isAway ? Promise.reject(new ObjectStoreError('away', 'no route')) : objects.get(...given);
    },
  };
  const turns: boolean[] = [];
  const { shared } = replicaThatTells(store);
  const hints = hintsOfThisProcess();
  const follower = await follow(shared, HOUR_MS, hints, () => turns.push(follower.standing.alone !== undefined));
  isAway = true;
  hints.tell('main');
  await vi.waitFor(() => expect(turns).toEqual([true]));
  const before = asked;
  await expect(shared.create(PAGE, 1, value)).rejects.toMatchObject({ reason: 'state', transient: true });
  expect(asked).toBe(before);
  isAway = false;
  hints.tell('main');
  await vi.waitFor(() => expect(turns).toEqual([true, false]));
  expect(await shared.create(PAGE, 1, value)).toBe(true);
});

it('a log that is emptied under a running replica is noticed', async () => {
  const objects = memoryObjects();
  const { shared } = replicaThatTells(objects);
  await shared.create(PAGE, 1, value);
  const follower = await follow(shared, 1);
  objects.objects.clear();
  await vi.waitFor(() => expect(follower.standing.alone?.refusal.message).toContain('emptied'));
  await expect(shared.create(PAGE, 2, value)).rejects.toMatchObject({ reason: 'state', transient: false });
  expect(await shared.version(PAGE, 0)).toBe(1);
});
