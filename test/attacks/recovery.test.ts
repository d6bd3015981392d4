import { describe, expect, it } from 'vitest';
import type { Repository } from '../../src/repository/repository.ts';
import { acceptRoot, survive } from '../../src/tuf/accept.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import { openTimestamp } from '../../src/tuf/stored.ts';
import { createClient, reasonOf, refusalOf } from '../support/client.ts';
import { START } from '../support/clock.ts';
import { authority, key } from '../support/keys.ts';
import { seen, versioned } from '../support/seen.ts';
import { createSimulator } from '../support/simulator.ts';
import { startFrom } from '../support/start.ts';

describe('recovery from a fast-forward (TUF §5.3.11)', () => {
  async function forwarded() {
    const at = await seen();
    at.simulator.repository.publish({
      timestamp: versioned(Number.MAX_SAFE_INTEGER),
      snapshot: (d) => d.meta.set('a.json', { version: Number.MAX_SAFE_INTEGER }),
    });
    await at.client.refresh();
    return at;
  }
  function restart(repository: Repository) {
    repository.publish({
      timestamp: (d) => {
        d.version = 5;
      },
      snapshot: (d) => {
        d.version = 5;
        d.meta.set('a.json', { version: 3 });
      },
    });
  }

  it.each(['timestamp', 'snapshot'] as const)('a root with new keys for %s clears both floors', async (role) => {
    const { simulator, client } = await forwarded();
    simulator.repository.rotate(role, authority(['recovered']));
    restart(simulator.repository);
    await client.refresh();
    expect(client.versions()).toMatchObject({ root: 2, timestamp: 5, snapshot: 5 });
  });

  it('an added key is a rotation too', async () => {
    const { simulator, client } = await forwarded();
    simulator.repository.rotate('timestamp', authority(['timestamp', 'added'], 1));
    restart(simulator.repository);
    await client.refresh();
    expect(client.versions().timestamp).toBe(5);
  });

  it.each(['root', 'targets'] as const)('new keys for %s alone clear nothing', async (role) => {
    const { simulator, client } = await forwarded();
    simulator.repository.rotate(role, authority(['recovered']));
    restart(simulator.repository);
    expect(await reasonOf(client.refresh())).toBe('rollback');
    expect(client.versions()).toMatchObject({ root: 2, timestamp: Number.MAX_SAFE_INTEGER });
  });

  it('a root without a rotation clears nothing', async () => {
    const { simulator, client } = await forwarded();
    simulator.repository.publishRoot();
    restart(simulator.repository);
    expect(await reasonOf(client.refresh())).toBe('rollback');
  });

  it('the same key under another key id is no rotation', () => {
    const simulator = createSimulator();
    const before = startFrom(simulator.rootBytes(1), START);
    const [held] = authority(['timestamp']).keys;
    simulator.repository.rotate('timestamp', {
      keys: held === undefined ? [] : [{ ...held, keyid: 'other' }],
      threshold: 1,
    });
    simulator.repository.publishRoot();
    const after = runToEnd(acceptRoot(before, simulator.rootBytes(2)));
    const survivors = { timestamp: runToEnd(openTimestamp(before, simulator.bytes('timestamp.json'))) };
    expect(survive(before.root, after.root, survivors)).toBe(survivors);
  });

  it('the rotation counts though the refresh that brought it failed further on', async () => {
    const { simulator, client } = await forwarded();
    simulator.repository.rotate('timestamp', authority(['recovered']));
    restart(simulator.repository);
    simulator.drop('timestamp.json');
    expect(await reasonOf(client.refresh())).toBe('unreachable');
    simulator.behave();
    await client.refresh();
    expect(client.versions()).toMatchObject({ root: 2, timestamp: 5 });
  });
});

describe('a raised threshold asks again for what is held', () => {
  it('a snapshot by one of two keys is fetched anew where two are needed now', async () => {
    const simulator = createSimulator({
      authorities: { snapshot: authority(['s1', 's2'], 1), timestamp: authority(['t1', 't2'], 1) },
    });
    simulator.repository.signers.set('snapshot', [key('s1')]);
    simulator.repository.signers.set('timestamp', [key('t1')]);
    simulator.repository.write('snapshot');
    simulator.repository.write('timestamp');
    const client = createClient(simulator);
    await client.refresh();

    simulator.repository.rotate('snapshot', authority(['s1', 's2'], 2));
    simulator.repository.rotate('timestamp', authority(['t1', 't2'], 2));
    simulator.repository.publishRoot();
    const both = [simulator.repository.write('snapshot'), simulator.repository.write('timestamp')];
    const generation = await client.refresh();
    expect(generation.root.signed.version).toBe(2);
    expect([generation.snapshot.bytes, generation.timestamp.bytes].map((bytes) => Buffer.from(bytes))).toEqual(both);
  });

  it('until upstream has signed again, nothing is believed', async () => {
    const simulator = createSimulator({ authorities: { snapshot: authority(['s1', 's2'], 1) } });
    simulator.repository.signers.set('snapshot', [key('s1')]);
    simulator.repository.write('snapshot');
    const client = createClient(simulator);
    await client.refresh();
    simulator.repository.rotate('snapshot', authority(['s1', 's2'], 2));
    simulator.repository.publishRoot();
    expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'threshold', subject: 'snapshot' });
  });
});

describe('a root that asks for more signatures of a role than it has keys', () => {
  it.each(['timestamp', 'snapshot', 'targets'] as const)(
    'is believed; no %s can be proved until the next',
    async (role) => {
      const { simulator, client } = await seen();
      simulator.repository.rotate(role, authority(['few'], 6));
      simulator.repository.publish();
      expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'threshold', subject: role });
      expect(client.versions()).toMatchObject({ root: 2 });
      simulator.repository.rotate(role, authority(['recovered']));
      simulator.repository.publish();
      await client.refresh();
      expect(client.versions()).toMatchObject({ root: 3 });
    },
  );
});
