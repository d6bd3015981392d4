import { describe, expect, it } from 'vitest';
import type { Edits, Repository } from '../../src/repository/repository.ts';
import { startFrom } from '../../src/tuf/accept.ts';
import { refresh } from '../../src/tuf/refresh.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import { openFloor } from '../../src/tuf/stored.ts';
import { createClient, reasonOf, refusalOf, type TestClient } from '../support/client.ts';
import { START } from '../support/clock.ts';
import { authority, key } from '../support/keys.ts';
import { seen, versioned } from '../support/seen.ts';
import { createSimulator, type Simulator } from '../support/simulator.ts';

/** Publishes what an attacker with the online keys would, and expects the client to stay exactly where it was. */
async function refusedWith(
  { simulator, client }: { simulator: Simulator; client: TestClient },
  publish: (repository: Repository) => void,
) {
  const before = client.bytes();
  publish(simulator.repository);
  const refusal = await refusalOf(client.refresh());
  return { reason: refusal.reason, subject: refusal.subject, moved: moved(before, client.bytes()) };
}

function moved(before: ReturnType<TestClient['bytes']>, after: ReturnType<TestClient['bytes']>): string[] {
  return (['root', 'timestamp', 'snapshot', 'targets'] as const).filter((role) => before[role] !== after[role]);
}

const edit = (edits: Edits) => (repository: Repository) => repository.publish(edits);

describe('timestamp', () => {
  it('an older one, replayed (CVE-2022-29173)', async () => {
    const simulator = createSimulator();
    const client = createClient(simulator);
    const old = simulator.save();
    simulator.repository.publish();
    await client.refresh();
    simulator.replay(old);
    const before = client.bytes();
    expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'rollback', subject: 'timestamp' });
    expect(client.bytes()).toEqual(before);
    simulator.behave();
    await client.refresh();
  });

  it('a new one with a lower version', async () => {
    const at = await seen();
    const outcome = await refusedWith(at, edit({ timestamp: versioned(2) }));
    expect(outcome).toEqual({ reason: 'rollback', subject: 'timestamp', moved: [] });
  });

  it('a newer one that names an older snapshot (sigstore-java #1061, sigstore-ruby #89, rust-tuf #294)', async () => {
    const at = await seen();
    const outcome = await refusedWith(at, edit({ timestamp: (d) => d.meta.set('snapshot.json', { version: 2 }) }));
    expect(outcome).toEqual({ reason: 'rollback', subject: 'timestamp', moved: [] });
  });

  it('one that failed is not kept, and freezes nobody later (CVE-2025-2888)', async () => {
    const { simulator, client } = await seen();
    simulator.repository.publish({
      timestamp: (d) => {
        d.version = 1000;
        d.meta.set('snapshot.json', { version: 1 });
      },
    });
    expect(await reasonOf(client.refresh())).toBe('rollback');
    expect(client.versions().timestamp).toBe(3);
    simulator.repository.publish({ timestamp: versioned(4) });
    await client.refresh();
    expect(client.versions().timestamp).toBe(4);
  });

  it('the same version with other bytes keeps the held one, and somebody is told', async () => {
    const { simulator, client } = await seen();
    const held = simulator.bytes('timestamp.json');
    simulator.repository.timestamp['x-other'] = true;
    const other = simulator.repository.write('timestamp');
    const generation = await client.refresh();
    expect(Buffer.from(generation.timestamp.bytes)).toEqual(held);
    expect(client.equivocations).toEqual([other]);
  });

  it('the same version naming another snapshot keeps the held one too', async () => {
    const { simulator, client } = await seen();
    for (const version of [1, 99]) {
      simulator.repository.timestamp.meta.set('snapshot.json', { version });
      simulator.repository.write('timestamp');
      const generation = await client.refresh();
      expect(generation.timestamp.signed.snapshot.version).toBe(3);
      expect(generation.snapshot.signed.version).toBe(3);
    }
  });

  it('an equal version does not hide that the held one has expired (sigstore-rust)', async () => {
    const { simulator, client } = await seen({ lifetime: (role) => (role === 'timestamp' ? 60 : 1_000_000) });
    simulator.clock.advance(60);
    simulator.repository.timestamp.expires = '2099-01-01T00:00:00Z';
    simulator.repository.write('timestamp');
    expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'expired', subject: 'timestamp' });
  });

  it('the same bytes again are no equivocation', async () => {
    const { client } = await seen();
    await client.refresh();
    expect(client.equivocations).toEqual([]);
  });
});

describe.each([[[]], [['sha256']]] as const)('snapshot, with meta hashes %j', (metaHashes) => {
  it.each(['targets', 'a'])('that lowers %s (CVE-2025-2887)', async (role) => {
    const at = await seen({ metaHashes });
    const outcome = await refusedWith(
      at,
      edit({ snapshot: (d) => d.meta.set(`${role}.json`, { ...d.meta.get(`${role}.json`), version: 2 }) }),
    );
    expect(outcome).toEqual({ reason: 'rollback', subject: 'snapshot', moved: ['timestamp'] });
  });

  it.each(['targets', 'a'])('that drops %s', async (role) => {
    const at = await seen({ metaHashes });
    const outcome = await refusedWith(at, edit({ snapshot: (d) => d.meta.delete(`${role}.json`) }));
    expect(outcome).toEqual({ reason: 'rollback', subject: 'snapshot', moved: ['timestamp'] });
  });

  it('that lowers a file nobody delegates to', async () => {
    const at = await seen({ metaHashes });
    at.simulator.repository.publish({ snapshot: (d) => d.meta.set('rekor.json', { version: 7 }) });
    await at.client.refresh();
    const outcome = await refusedWith(at, edit({ snapshot: (d) => d.meta.set('rekor.json', { version: 6 }) }));
    expect(outcome.reason).toBe('rollback');
  });

  it('the floor holds though the snapshot held has expired', async () => {
    const at = await seen({ metaHashes, lifetime: (role) => (role === 'snapshot' ? 60 : 1_000_000) });
    at.simulator.clock.advance(3600);
    const outcome = await refusedWith(at, edit({ snapshot: (d) => d.meta.set('a.json', { version: 1 }) }));
    expect(outcome.reason).toBe('rollback');
  });

  it('roles may be added and raised', async () => {
    const { simulator, client } = await seen({ metaHashes });
    simulator.repository.delegate('targets', { name: 'b', authority: authority(['b']), paths: ['*'] });
    simulator.repository.publish();
    await client.refresh();
    expect(client.versions()).toEqual({ root: 1, timestamp: 4, snapshot: 4, targets: 4 });
  });
});

describe('root', () => {
  it('that skips a version (CVE-2025-2885)', async () => {
    const { simulator, client } = await seen();
    simulator.repository.publishRoot({ root: versioned(3) });
    simulator.instead('2.root.json', simulator.bytes('3.root.json'));
    expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'mix-and-match', subject: 'root' });
    expect(client.versions().root).toBe(1);
  });

  it('that repeats a version (CVE-2025-2885)', async () => {
    const { simulator, client } = await seen();
    simulator.instead('2.root.json', simulator.bytes('1.root.json'));
    expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'rollback', subject: 'root' });
    expect(client.versions().root).toBe(1);
  });

  it('a good one is kept though the next is bad; the bad one never is (CVE-2020-15163)', async () => {
    const { simulator, client } = await seen();
    simulator.repository.publishRoot();
    const good = simulator.bytes('2.root.json');
    simulator.repository.signers.set('root', [key('attacker')]);
    simulator.repository.publishRoot();
    expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'threshold', subject: 'root' });
    expect(client.versions().root).toBe(2);

    // After a restart from what was kept, the bad one is refused again.
    const again = createClient(simulator, good);
    expect(await reasonOf(again.refresh())).toBe('threshold');
    expect(again.versions().root).toBe(2);
  });
});

describe('after a restart', () => {
  it('stored documents are floors again (CVE-2022-29173)', async () => {
    const simulator = createSimulator();
    const old = simulator.save();
    simulator.repository.publish();
    const at = runToEnd(startFrom(simulator.rootBytes(1), START));
    const stored = { timestamp: simulator.bytes('timestamp.json'), snapshot: simulator.bytes('2.snapshot.json') };
    const survivors = runToEnd(openFloor(at, stored));
    simulator.replay(old);
    expect(await reasonOf(refresh({ at, survivors }, simulator.source, runToEnd))).toBe('rollback');
  });

  it('expired ones are floors all the same (sigstore-rust #198)', () => {
    const simulator = createSimulator();
    const at = runToEnd(startFrom(simulator.rootBytes(1), START + 100 * 365 * 86_400));
    const stored = { timestamp: simulator.bytes('timestamp.json'), snapshot: simulator.bytes('1.snapshot.json') };
    expect(runToEnd(openFloor(at, stored)).timestamp?.signed.version).toBe(1);
  });

  it('ones that somebody else signed are not', async () => {
    const simulator = createSimulator();
    const at = runToEnd(startFrom(simulator.rootBytes(1), START));
    simulator.repository.signers.set('timestamp', [key('attacker')]);
    simulator.repository.signers.set('snapshot', [key('attacker')]);
    const timestamp = simulator.repository.write('timestamp');
    const snapshot = simulator.repository.write('snapshot');
    expect(await reasonOf(() => runToEnd(openFloor(at, { timestamp })))).toBe('threshold');
    expect(await reasonOf(() => runToEnd(openFloor(at, { snapshot })))).toBe('threshold');
  });
});
