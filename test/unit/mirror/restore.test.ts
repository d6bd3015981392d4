import { describe, expect, it } from 'vitest';
import { restoreTrust } from '../../../src/mirror/tuf/restore.ts';
import type { KeptTimestamp, StoredTrust, TrustStore } from '../../../src/ports/trust/trust-store.ts';
import { ecdsaKey } from '../../../src/repository/signing-keys.ts';
import { LIMITS } from '../../../src/tuf/limits.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';
import { START } from '../../support/clock.ts';
import { authority, heldBy } from '../../support/keys.ts';
import { createSimulator, type Simulator } from '../../support/simulator.ts';

type Published = Pick<StoredTrust, 'timestamp' | 'snapshot' | 'targets'>;

const publishedBy = (simulator: Simulator, snapshot = 1): Published => ({
  timestamp: simulator.bytes('timestamp.json'),
  snapshot: simulator.bytes(`${snapshot}.snapshot.json`),
  targets: simulator.bytes('1.targets.json'),
});

/** What a start finds: roots up to `kept`, what was published under root `rootVersion`, and a timestamp accepted later. */
interface Left {
  readonly kept: number;
  readonly rootVersion: number;
  readonly published: Published;
  readonly timestamp?: KeptTimestamp | undefined;
}

function storeOf(simulator: Simulator, { kept, rootVersion, published, timestamp }: Left) {
  const roots = new Map(Array.from({ length: kept }, (_, at) => [at + 1, simulator.rootBytes(at + 1)]));
  const stored: StoredTrust = {
    ...published,
    current: 'pointer',
    roots,
    rootVersion,
    acceptedAt: START,
    clockWords: 0,
  };
  const unused = () => expect.fail('not asked at a start');
  const store: TrustStore = {
    load: async () => stored,
    root: async (version) => roots.get(version),
    keepRoot: async (version, bytes) => void roots.set(version, bytes),
    timestamp: async () => timestamp,
    keepTimestamp: unused,
    publish: unused,
    clockFloor: unused,
    acceptClock: unused,
    delegated: unused,
    keepDelegated: unused,
    recent: unused,
  };
  return store;
}

const restore = (simulator: Simulator, store: TrustStore, pinned = 1, now = START) =>
  restoreTrust({ pinnedRoot: simulator.rootBytes(pinned), store, source: simulator.source, now, runner: runToEnd });

describe('a start from our own state', () => {
  it('asks nothing of upstream, and judges what was published as of when it was accepted', async () => {
    const simulator = createSimulator();
    const store = storeOf(simulator, { kept: 1, rootVersion: 1, published: publishedBy(simulator) });
    simulator.cut();
    const restored = await restore(simulator, store, 1, START + 100 * 365 * 86_400);
    expect(restored.generation?.now).toBe(START);
    expect(restored.generation?.timestamp).toBe(restored.updater.survivors.timestamp);
    expect(restored.generation?.snapshot).toBe(restored.updater.survivors.snapshot);
    expect(restored.generation?.targets).toBe(restored.updater.targets);
  });

  it('follows a root that was kept later and rotated the key of the timestamp: what that key signed is no floor', async () => {
    const simulator = createSimulator();
    const published = publishedBy(simulator);
    simulator.repository.rotate('timestamp', authority(['another timestamp']));
    simulator.repository.publishRoot();
    const store = storeOf(simulator, { kept: 2, rootVersion: 1, published });
    const { updater, generation, roots } = await restore(simulator, store);
    expect([updater.root.signed.version, generation?.root.signed.version]).toEqual([2, 1]);
    expect([...roots.keys()]).toEqual([1, 2]);
    expect(updater.survivors).toEqual({});
  });

  it('is refused where something newer was published than was ever believed', async () => {
    const simulator = createSimulator();
    const timestamp = { rootVersion: 1, version: 1, bytes: simulator.bytes('timestamp.json') };
    simulator.repository.publish();
    const published = publishedBy(simulator, 2);
    const store = storeOf(simulator, { kept: 1, rootVersion: 1, published, timestamp });
    await expect(restore(simulator, store)).rejects.toMatchObject({
      reason: 'state',
      message: expect.stringContaining('it was put back'),
    });
  });

  it('is not where new keys were given in between: versions begin anew with them', async () => {
    const simulator = createSimulator();
    simulator.repository.publish();
    const published = publishedBy(simulator, 2);
    simulator.repository.rotate('timestamp', authority(['another timestamp']));
    simulator.repository.publishRoot();
    const renewed = createSimulator();
    renewed.repository.rotate('timestamp', authority(['another timestamp']));
    renewed.repository.publishRoot();
    renewed.repository.publish();
    const timestamp = { rootVersion: 2, version: 2, bytes: renewed.bytes('timestamp.json') };
    const store = storeOf(simulator, { kept: 2, rootVersion: 1, published, timestamp });
    const { updater } = await restore(simulator, store);
    expect(updater.survivors.timestamp?.signed.version).toBe(2);
  });

  it('where that root is pinned now, what its forerunner vouched for is no floor either', async () => {
    const simulator = createSimulator();
    const bytes = simulator.bytes('timestamp.json');
    simulator.repository.rotate('timestamp', authority(['another timestamp']));
    simulator.repository.publish();
    const store = storeOf(simulator, {
      kept: 2,
      rootVersion: 2,
      published: publishedBy(simulator, 2),
      timestamp: { rootVersion: 1, version: 1, bytes },
    });
    const { updater } = await restore(simulator, store, 2);
    expect(updater.survivors.timestamp?.signed.version).toBe(2);
  });

  it('refuses a root that proves neither as it is stored nor as upstream has it, and asks for it once', async () => {
    const simulator = createSimulator();
    simulator.repository.publishRoot();
    const store = storeOf(simulator, { kept: 2, rootVersion: 2, published: publishedBy(simulator) });
    const damaged = Buffer.from(simulator.rootBytes(2));
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
    await store.keepRoot(2, damaged);
    simulator.instead('2.root.json', damaged);
    simulator.reads.length = 0;
    await expect(restore(simulator, store)).rejects.toMatchObject({ reason: 'state' });
    expect(simulator.reads).toEqual(['2.root.json']);
  });

  it('says which root is missing here and upstream', async () => {
    const simulator = createSimulator();
    const store = storeOf(simulator, { kept: 1, rootVersion: 2, published: publishedBy(simulator) });
    await expect(restore(simulator, store)).rejects.toThrow('Root version 2 is missing here and upstream.');
  });

  it('asks upstream for no root after the last one that vouched for what was published', async () => {
    const simulator = createSimulator();
    const published = publishedBy(simulator);
    const damaged = { ...published, timestamp: Buffer.from('{}') };
    const store = storeOf(simulator, { kept: 1, rootVersion: 1, published: damaged });
    simulator.reads.length = 0;
    await expect(restore(simulator, store)).rejects.toMatchObject({ reason: 'state' });
    expect(simulator.reads).toEqual([]);
  });

  it('follows more roots than one refresh would take', async () => {
    // A key that OpenSSL checks: there are two thousand signatures.
    const simulator = createSimulator({ authorities: { root: heldBy([ecdsaKey({ curve: 'P-256' })]) } });
    const published = publishedBy(simulator);
    const rootVersion = LIMITS.rootsPerRefresh + 2;
    for (let version = 2; version <= rootVersion; version++) simulator.repository.publishRoot();
    const store = storeOf(simulator, { kept: rootVersion, rootVersion, published });
    simulator.cut();
    expect((await restore(simulator, store)).updater.root.signed.version).toBe(rootVersion);
  });
});
