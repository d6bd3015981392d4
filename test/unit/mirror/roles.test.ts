import { expect, it } from 'vitest';
import { noEvents } from '../../../src/app/no-events.ts';
import { createBackground } from '../../../src/async/background.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { LIMITS } from '../../../src/mirror/limits.ts';
import { createReports } from '../../../src/mirror/projects/reports.ts';
import { delegationTo } from '../../../src/mirror/tuf/role-search.ts';
import { Roles, type RolesOptions } from '../../../src/mirror/tuf/roles.ts';
import type { Emit } from '../../../src/ports/events.ts';
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
  const shared = { clock, runner: runToEnd, reports, background: createBackground(), memory: 1e6 };
  const roles = new Roles({ index: 'main', store: EMPTY, source: () => source, ...shared });
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

it.each([
  [LIMITS.rolesPerName, undefined],
  [LIMITS.rolesPerName + 1, 'delegation'],
])('who delegates to a role is looked for in %i roles: %s', async (many, reason) => {
  const simulator = createSimulator({
    fill(repository) {
      for (let at = 0; at < many; at++)
        repository.delegate('targets', { name: `team ${at}`, authority: authority(['team']), paths: ['*'] });
    },
  });
  const { source, clock } = simulator;
  const reports = createReports({ index: 'main', emit: noEvents, journal: { note() {} }, clock });
  const shared = { clock, runner: runToEnd, reports, background: createBackground(), memory: 1e6 };
  const roles = new Roles({ index: 'main', store: EMPTY, source: () => source, ...shared });
  const search = delegationTo(roles, await createClient(simulator).refresh(), 'nobody', client());
  if (reason === undefined) expect(await search).toBeUndefined();
  else expect(await reasonOf(search)).toBe(reason);
});

it('a role is believed before it is stored, and where it cannot be stored that is told', async () => {
  const simulator = repositoryWith('one');
  const { source, clock } = simulator;
  const told: string[] = [];
  const emit: Emit = (event) => event.name === 'rejected' && told.push(`${event.reason} ${event.thing} ${event.at}`);
  const reports = createReports({ index: 'main', emit, journal: { note() {} }, clock });
  const background = createBackground();
  const disk = Promise.withResolvers<void>();
  const store = { ...EMPTY, keepDelegated: () => disk.promise };
  const roles = new Roles({
    index: 'main',
    store,
    source: () => source,
    clock,
    runner: runToEnd,
    reports,
    background,
    memory: 1e6,
  });
  const generation = await createClient(simulator).refresh();
  const by = generation.targets.signed.delegations?.named('team') ?? expect.fail();
  expect((await roles.load(generation, by, client())).signed.targets.has('x')).toBe(true);
  disk.reject(new Refusal('limit', 'The disk is full.', { subject: 'state', transient: true }));
  await background.settled();
  expect(told).toEqual(['limit team disk']);
});
