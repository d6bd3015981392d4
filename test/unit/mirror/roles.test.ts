import { expect, it } from 'vitest';
import { createMemoryCache } from '../../../src/bytes/bounded-map.ts';
import { createKeeper } from '../../../src/mirror/tuf/keeper.ts';
import { createRoles } from '../../../src/mirror/tuf/roles.ts';
import type { TrustStore } from '../../../src/ports/index-state.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';
import { createClient, reasonOf } from '../../support/client.ts';
import { authority } from '../../support/keys.ts';
import { createSimulator } from '../../support/simulator.ts';

const EMPTY: TrustStore = {
  load: async () => undefined,
  keepRoot: async () => {},
  root: async () => undefined,
  keepTimestamp: async () => {},
  timestamp: async () => undefined,
  publish: async () => ({ result: 'superseded' }),
  delegated: async () => undefined,
  keepDelegated: async () => {},
  recent: async () => undefined,
};

/** The same keys and versions everywhere; only this text differs. */
const repositoryWith = (text: string) =>
  createSimulator({
    metaHashes: ['sha256'],
    fill(repository) {
      repository.delegate('targets', { name: 'team', authority: authority(['team']), paths: ['*'] });
      repository.addTarget('team', 'x', Buffer.from(text));
    },
  });

it('two snapshots that name one version with other bytes share no fetch of it, and what is held is hashed once', async () => {
  const [one, other] = [repositoryWith('one'), repositoryWith('other')];
  const common = { index: 'main', store: EMPTY, source: one.source, clock: one.clock, patience: runToEnd };
  const events = { rejected() {}, served() {}, refreshed() {}, note() {} };
  const pinnedRoot = one.rootBytes(1);
  const keeper = await createKeeper({ ...common, events, pinnedRoot, refreshAfter: 60, notBefore: 0 });
  const roles = createRoles({
    ...common,
    events,
    keeper,
    cache: createMemoryCache(1e6),
    delegators: createMemoryCache(1e6),
  });
  const loading = [one, other].map(async (simulator) => {
    const generation = await createClient(simulator).refresh();
    const by = generation.targets.signed.delegations?.named('team') ?? expect.fail();
    return { generation, by };
  });
  const [first, second] = await Promise.all(loading);
  const loads = [first, second].map((asked) => asked && roles.load(asked.generation, asked.by));
  expect((await loads[0])?.signed.targets.has('x')).toBe(true);
  expect(await reasonOf(loads[1] ?? Promise.resolve())).toBe('digest');

  // Nor is a role in memory hashed again for every search: once from here on, then never.
  if (first === undefined) throw new Error('no generation');
  const role = await roles.load(first.generation, first.by);
  const { bytes } = role;
  let reads = 0;
  Object.defineProperty(role, 'bytes', { get: () => ++reads && bytes });
  await roles.load(first.generation, first.by);
  expect(reads).toBe(0);
});
