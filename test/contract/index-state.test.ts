import { describe, expect, it } from 'vitest';
import type { IndexState, Item, Pin } from '../../src/ports/index-state.ts';
import type { StateStorage } from '../../src/ports/state-storage.ts';
import type { TrustStore } from '../../src/ports/trust/trust-store.ts';
import { createIndexState } from '../../src/state/index-state.ts';
import { createMemoryState } from '../support/memory-state.ts';
import { INDEX_STATE_CASES, indexStateContract, indexStateRig } from './index-state.ts';
import type { StateStorageRig } from './state-storage.ts';

async function inMemory(): Promise<StateStorageRig> {
  const state = createMemoryState();
  return {
    storage: state.party(),
    another: async () => state.party(),
    restart: async () => state.party(),
    damage: async (item) => state.damage(item),
  };
}

indexStateContract('in memory', inMemory);

interface Misbehaviour {
  readonly does: string;
  readonly caughtBy: string;
  readonly wrap: (state: IndexState) => IndexState;
}

const withTrust = (change: (trust: TrustStore) => Partial<TrustStore>) => (state: IndexState) => ({
  ...state,
  trust: { ...state.trust, ...change(state.trust) },
});
/** An item that stores whatever it is given, whoever was quicker. */
const overwriting = <T>(item: Item<T>): Item<T> => ({
  read: () => item.read(),
  version: () => item.version(),
  async change(next) {
    const value = next(await item.read());
    return value === undefined ? undefined : item.change(() => value);
  },
});
/** A project's pins that are taken for none where they cannot be read. */
const forgiving = (item: Item<ReadonlyMap<string, Pin>>): Item<ReadonlyMap<string, Pin>> => ({
  read: () => item.read().catch(() => undefined),
  version: () => item.version(),
  change: (next) => item.change(next),
});

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    does: 'loses the pins of the slower of two',
    caughtBy: 'pins added at once, also by another process, all stay',
    wrap: (state) => ({ ...state, pins: (project) => overwriting(state.pins(project)) }),
  },
  {
    does: 'takes damaged pins for none',
    caughtBy: 'pins that are damaged are refused, never taken for none',
    wrap: (state) => ({ ...state, pins: (project) => forgiving(state.pins(project)) }),
  },
  {
    does: 'lists projects of the other kind',
    caughtBy: 'pins of any project name are its own, and are listed by it',
    wrap: (state) => ({ ...state, projects: () => state.projects('pins') }),
  },
  {
    does: 'stores what a change did not ask for',
    caughtBy: 'nothing is stored where there is nothing to do',
    wrap: (state) => ({
      ...state,
      facts: {
        ...state.facts,
        read: () => state.facts.read(),
        change: (next) => state.facts.change((was) => next(was) ?? { evidence: 'tuf', createdAt: 0, audit: [] }),
      },
    }),
  },
  {
    does: 'publishes over what it does not know',
    caughtBy: 'trust is replaced only by who knows what is current',
    wrap: withTrust((trust) => ({
      publish: async (next) => trust.publish(next, (await trust.load())?.current),
    })),
  },
  {
    does: 'keeps the last timestamp instead of the newest',
    caughtBy: 'under a later root, which may have exchanged its key, a timestamp of any version takes over',
    wrap: withTrust((trust) => ({
      keepTimestamp: async (kept) => {
        const was = await trust.timestamp();
        await trust.keepTimestamp(was === undefined ? kept : { ...kept, rootVersion: was.rootVersion });
      },
    })),
  },
  {
    does: 'gives up a timestamp for one under an earlier root',
    caughtBy: 'the timestamp floor is never given up for one under an earlier root',
    wrap: withTrust((trust) => ({ keepTimestamp: (kept) => trust.keepTimestamp({ ...kept, rootVersion: 2 }) })),
  },
  {
    does: 'refuses a damaged root instead of asking for it again',
    caughtBy: 'a root is kept as it came, and a damaged one is as good as absent: it proves itself',
    wrap: withTrust((trust) => ({
      root: async (version) => (await trust.root(version)) ?? Promise.reject(new Error('damaged')),
    })),
  },
];

describe('an index state that', () => {
  it.each(MISBEHAVIOURS)('$does is caught: $caughtBy', async ({ caughtBy, wrap }) => {
    const found = INDEX_STATE_CASES.find(({ name }) => name === caughtBy);
    await found?.run(indexStateRig(await inMemory()));
    await expect(found?.run(indexStateRig(await inMemory(), wrap))).rejects.toThrow();
  });
});

describe('over a storage that misbehaves', () => {
  it('a version that can neither be taken nor read ends in a refusal, not in a loop', async () => {
    const { storage } = await inMemory();
    const stuck: StateStorage = { ...storage, create: async () => false };
    const { facts } = createIndexState({ storage: stuck, index: 'main' });
    await expect(facts.change(() => ({ evidence: 'tuf', createdAt: 0, audit: [] }))).rejects.toMatchObject({
      reason: 'state',
      transient: true,
    });
  });

  it('one that answers less than was seen is refused', async () => {
    const { storage } = await inMemory();
    let forgetful = false;
    const { pins } = createIndexState({
      storage: {
        ...storage,
        version: async (item, from) => (forgetful ? 0 : storage.version(item, from)),
        newest: async (item, from) => (forgetful ? undefined : storage.newest(item, from)),
      },
      index: 'main',
    });
    await pins('demo').change(() => new Map([['f', { digests: new Map([['sha256', 'a'.repeat(64)]]), seen: 1 }]]));
    forgetful = true;
    await expect(pins('demo').read()).rejects.toMatchObject({ reason: 'state', transient: false });
  });
});
