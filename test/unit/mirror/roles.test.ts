import { expect, it } from 'vitest';
import { noEvents } from '../../../src/app/no-events.ts';
import { createReports } from '../../../src/mirror/projects/reports.ts';
import { Roles, type RolesOptions } from '../../../src/mirror/tuf/roles.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';
import { client } from '../../support/callers.ts';
import { createClient, reasonOf } from '../../support/client.ts';
import { authority } from '../../support/keys.ts';
import { createSimulator } from '../../support/simulator.ts';

const EMPTY: RolesOptions['store'] = { delegated: async () => undefined, keepDelegated: async () => {} };

/** The same keys and versions everywhere; only this text differs. */
const repositoryWith = (text: string) =>
  createSimulator({
    metaHashes: ['sha256'],
    fill(repository) {
      repository.delegate('targets', { name: 'team', authority: authority(['team']), paths: ['*'] });
      repository.addTarget('team', 'x', Buffer.from(text));
    },
  });

it('two snapshots that name one version with other bytes share no fetch of it, and what is in memory is hashed once', async () => {
  const [one, other] = [repositoryWith('one'), repositoryWith('other')];
  const { source, clock } = one;
  const reports = createReports({ index: 'main', emit: noEvents, journal: { note() {} }, clock });
  const roles = new Roles({
    index: 'main',
    store: EMPTY,
    source: () => source,
    clock,
    runner: runToEnd,
    reports,
    memory: 1e6,
  });
  const loading = [one, other].map(async (simulator) => {
    const generation = await createClient(simulator).refresh();
    const by = generation.targets.signed.delegations?.named('team') ?? expect.fail();
    return { generation, by };
  });
  const [first, second] = await Promise.all(loading);
  const loads = [first, second].map((asked) => asked && roles.load(asked.generation, asked.by, client()));
  expect((await loads[0])?.signed.targets.has('x')).toBe(true);
  expect(await reasonOf(loads[1] ?? Promise.resolve())).toBe('digest');

  // Nor is a role in memory hashed again for every search: once from here on, then never.
  if (first === undefined) throw new Error('no generation');
  const role = await roles.load(first.generation, first.by, client());
  const { bytes } = role;
  let reads = 0;
  Object.defineProperty(role, 'bytes', { get: () => ++reads && bytes });
  await roles.load(first.generation, first.by, client());
  expect(reads).toBe(0);
});
