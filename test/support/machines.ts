import type { ObjectStore } from '../../src/ports/object-store.ts';
import type { ItemPath, StateCopy, StateStorage } from '../../src/ports/state-storage.ts';
import { SharedState, type SharedStateOptions } from '../../src/state/fleet/shared-state.ts';

export const SEAL_KEY = Buffer.from('a key that the replicas of a test share');

/** One process of a replica, whose copy lies in `local`. */
export function replica(
  local: StateCopy,
  objects: ObjectStore,
  options: Partial<SharedStateOptions> = {},
): SharedState {
  let asked = 0;
  // A store that was away is asked again each time.
  return new SharedState({ local, objects, sealKey: SEAL_KEY, monotonicMs: () => ++asked * 10_000, ...options });
}

/** The same, looking at what others did before each answer: what a replica of another machine is within a second. */
export function upToDate(shared: SharedState): StateStorage {
  const current = async <T>([index]: ItemPath, ask: () => Promise<T>): Promise<T> => {
    await shared.of(index).sync();
    return ask();
  };
  return {
    newest: (item, from) => current(item, () => shared.newest(item, from)),
    version: (item, from) => current(item, () => shared.version(item, from)),
    read: (item, version) => current(item, () => shared.read(item, version)),
    create: (...given) => shared.create(...given),
    removeBelow: (...given) => shared.removeBelow(...given),
    async *items(below) {
      await shared.of(below[0]).sync();
      yield* shared.items(below);
    },
    setAside: (...given) => shared.setAside(...given),
  };
}
