import { describe, expect, it } from 'vitest';
import type { Edits, Repository } from '../../src/repository/repository.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import { pinRoot } from '../../src/tuf/trusted-root.ts';
import { Updater } from '../../src/tuf/updater.ts';
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
  /** As a process that finds these documents and the pinned root. */
  async function restarted(simulator: Simulator, stored: Parameters<Updater['recall']>[0]): Promise<Updater> {
    const updater = new Updater(runToEnd(pinRoot(simulator.rootBytes(1))), runToEnd);
    await updater.recall(stored);
    return updater;
  }

  it('stored documents are floors again (CVE-2022-29173)', async () => {
    const simulator = createSimulator();
    const old = simulator.save();
    simulator.repository.publish();
    const updater = await restarted(simulator, {
      timestamp: simulator.bytes('timestamp.json'),
      snapshot: simulator.bytes('2.snapshot.json'),
      targets: undefined,
    });
    simulator.replay(old);
    expect(await reasonOf(updater.refresh({ source: simulator.source, now: START }))).toBe('rollback');
  });

  it('expired ones are floors all the same (sigstore-rust #198)', async () => {
    const simulator = createSimulator({ lifetime: (role) => (role === 'root' ? 1_000_000 : 1000) });
    const old = simulator.save();
    simulator.repository.publish();
    const updater = await restarted(simulator, {
      timestamp: simulator.bytes('timestamp.json'),
      snapshot: simulator.bytes('2.snapshot.json'),
      targets: simulator.bytes('1.targets.json'),
    });
    simulator.replay(old);
    const { expires } = updater.survivors.timestamp?.signed ?? expect.fail();
    expect(await reasonOf(updater.refresh({ source: simulator.source, now: expires + 1 }))).toBe('rollback');
  });

  it('ones that somebody else signed are not', async () => {
    const simulator = createSimulator();
    const roles = ['timestamp', 'snapshot', 'targets'] as const;
    for (const role of roles) simulator.repository.signers.set(role, [key('attacker')]);
    const [timestamp, snapshot, targets] = roles.map((role) => simulator.repository.write(role));
    const updater = await restarted(simulator, { timestamp, snapshot, targets });
    expect(updater.survivors).toEqual({ timestamp: undefined, snapshot: undefined });
    expect(updater.targets).toBeUndefined();
  });
});
