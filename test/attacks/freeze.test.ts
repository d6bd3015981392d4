import { describe, expect, it } from 'vitest';
import { instantText } from '../../src/bytes/instant.ts';
import { createClient, refusalOf } from '../support/client.ts';
import { authority } from '../support/keys.ts';
import { createSimulator } from '../support/simulator.ts';

const LONG = 1_000_000;

/** A repository where one role lives for an hour and everything else for long. */
function aging(short: string) {
  const simulator = createSimulator({
    lifetime: (role) => (role === short ? 3600 : LONG),
    fill: (r) => {
      r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] });
      r.delegate('a', { name: 'b', authority: authority(['b']), paths: ['*'] });
      r.delegate('b', { name: 'c', authority: authority(['c']), paths: ['*'] });
      r.addTarget('c', 'x', Buffer.from('x'));
    },
  });
  return { simulator, client: createClient(simulator) };
}

describe('indefinite freeze: what has expired is not adopted', () => {
  it.each(['root', 'timestamp', 'snapshot', 'targets'] as const)('%s, at the very second and later', async (role) => {
    const { simulator, client } = aging(role);
    simulator.clock.advance(3599);
    await client.refresh();
    for (const seconds of [1, 1000]) {
      simulator.clock.advance(seconds);
      const fresh = createClient(simulator);
      expect(await refusalOf(fresh.refresh())).toMatchObject({ reason: 'expired', subject: role });
      expect(fresh.versions()[role]).toBe(role === 'root' ? 1 : undefined);
      // One that held it already is told so too, although nothing new came.
      expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'expired', subject: role });
    }
  });

  it.each(['a', 'b', 'c'])('delegated role %s, at depth 1 to 3 (CVE-2026-6967)', async (role) => {
    const { simulator, client } = aging(role);
    simulator.clock.advance(3599);
    await client.refresh();
    expect((await client.find('x')).target?.length).toBe(1);
    simulator.clock.advance(1);
    await client.refresh();
    expect(await refusalOf(client.find('x'))).toMatchObject({ reason: 'expired', subject: 'delegated' });
  });

  it.each(['prefixes', 'succinct'] as const)('a bin, by %s', async (kind) => {
    const simulator = createSimulator({
      lifetime: (role) => (role.startsWith('bin-') ? 3600 : LONG),
      fill: (r) => {
        const delegate = kind === 'succinct' ? 'delegateSuccinct' : 'delegateBins';
        const bins = r[delegate]('targets', 'bin', 3, authority(['online']));
        r.addTarget(bins.binOf('x'), 'x', Buffer.from('x'));
      },
    });
    const client = createClient(simulator);
    await client.refresh();
    expect((await client.find('x')).target?.length).toBe(1);
    simulator.clock.advance(3600);
    await client.refresh();
    expect(await refusalOf(client.find('x'))).toMatchObject({ reason: 'expired', subject: 'delegated' });
  });

  it('roots on the way may have expired, the last may not', async () => {
    const simulator = createSimulator({ lifetime: (role) => (role === 'root' ? 3600 : LONG) });
    const pinned = simulator.rootBytes(1);
    simulator.repository.publishRoot();
    simulator.clock.advance(7200);
    expect(await refusalOf(createClient(simulator, pinned).refresh())).toMatchObject({
      reason: 'expired',
      subject: 'root',
    });
    simulator.repository.publishRoot();
    const client = createClient(simulator, pinned);
    await client.refresh();
    expect(client.versions().root).toBe(3);
  });

  it('nothing is asked behind an expired root', async () => {
    const simulator = createSimulator({ lifetime: (role) => (role === 'root' ? 3600 : LONG) });
    simulator.clock.advance(3600);
    await refusalOf(createClient(simulator).refresh());
    expect(simulator.reads).toEqual(['2.root.json']);
  });

  it('an expired root is trusted for the roots behind it', async () => {
    const simulator = createSimulator({ lifetime: (role) => (role === 'root' ? 3600 : LONG) });
    const client = createClient(simulator);
    simulator.repository.publishRoot();
    simulator.clock.advance(3600);
    await refusalOf(client.refresh());
    expect(client.versions().root).toBe(2);
    simulator.repository.publishRoot();
    await client.refresh();
    expect(client.versions().root).toBe(3);
  });

  it('the clock is read once: what expires on the way is judged as of the start (TUF §5.1)', async () => {
    const { simulator, client } = aging('snapshot');
    simulator.instead('1.snapshot.json', () => {
      simulator.clock.advance(LONG);
      return simulator.bytes('1.snapshot.json');
    });
    await client.refresh();
  });

  it.each(['timestamp.json', '1.snapshot.json', '1.targets.json'])('%s withheld is no answer', async (name) => {
    const { simulator, client } = aging('none');
    simulator.drop(name);
    const refusal = await refusalOf(client.refresh());
    expect(refusal.reason).toBe('unreachable');
    expect(refusal.transient).toBe(true);
  });
});

describe('the same version signed again with a later date', () => {
  const again = (role: 'snapshot' | 'targets', options: { readonly metaHashes?: readonly ['sha256'] } = {}) => {
    const simulator = createSimulator({ ...options, lifetime: (name) => (name === role ? 3600 : LONG) });
    return { simulator, client: createClient(simulator) };
  };
  const later = ({ repository, clock }: ReturnType<typeof createSimulator>, role: 'snapshot' | 'targets') => {
    const document = role === 'targets' ? repository.role('targets') : repository.snapshot;
    document.expires = instantText(clock.now() + 3600);
    repository.write(role);
  };

  it.each(['snapshot', 'targets'] as const)('%s is asked for once the one held has expired', async (role) => {
    const { simulator, client } = again(role);
    await client.refresh();
    simulator.clock.advance(1800);
    later(simulator, role);
    simulator.reads.length = 0;
    await client.refresh();
    expect(simulator.reads).toEqual(['2.root.json', 'timestamp.json']);
    simulator.clock.advance(1800);
    const generation = await client.refresh();
    expect(generation[role].signed).toMatchObject({ version: 1, expires: simulator.clock.now() + 1800 });
    expect(simulator.reads.at(-1)).toBe(`1.${role}.json`);
  });

  it.each(['snapshot', 'targets'] as const)(
    '%s is not asked for where digests are announced: it could be no other',
    async (role) => {
      const { simulator, client } = again(role, { metaHashes: ['sha256'] });
      await client.refresh();
      simulator.clock.advance(3600);
      later(simulator, role);
      simulator.reads.length = 0;
      expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'expired', subject: role });
      expect(simulator.reads).toEqual(['2.root.json', 'timestamp.json']);
    },
  );

  it('it may lower nothing', async () => {
    const { simulator, client } = again('snapshot');
    simulator.repository.touch('targets');
    simulator.repository.publish();
    await client.refresh();
    simulator.clock.advance(3600);
    simulator.repository.snapshot.meta.set('targets.json', { version: 1 });
    later(simulator, 'snapshot');
    expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'rollback', subject: 'snapshot' });
  });
});
