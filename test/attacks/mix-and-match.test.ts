import { describe, expect, it } from 'vitest';
import type { Algorithm } from '../../src/bytes/digest.ts';
import { makeExpected } from '../../src/bytes/expected.ts';
import { prove } from '../../src/bytes/proven.ts';
import { digestHex } from '../../src/repository/digests.ts';
import { createClient, reasonOf, refusalOf } from '../support/client.ts';
import { authority } from '../support/keys.ts';
import { createSimulator, type SimulatorOptions } from '../support/simulator.ts';

function layered(options: SimulatorOptions = {}) {
  const simulator = createSimulator({
    ...options,
    fill: (r) => {
      for (const [from, name] of [
        ['targets', 'a'],
        ['a', 'b'],
        ['b', 'c'],
      ] as const)
        r.delegate(from, { name, authority: authority([name]), paths: ['*'] });
      r.addTarget('c', 'x', Buffer.from('x'));
      options.fill?.(r);
    },
  });
  return { simulator, client: createClient(simulator) };
}

const documents = [
  ['snapshot', '2.snapshot.json', 'snapshot'],
  ['targets', '2.targets.json', 'targets'],
  ['a', '2.a.json', 'delegated'],
  ['b', '2.b.json', 'delegated'],
  ['c', '2.c.json', 'delegated'],
] as const;

/** Everything at version 2, and what is read of one document replaced. */
async function withInstead(
  role: string,
  bytes: (old: Uint8Array, now: Uint8Array) => Uint8Array,
  options: SimulatorOptions,
) {
  const { simulator, client } = layered(options);
  for (const name of simulator.repository.roles.keys()) simulator.repository.touch(name);
  simulator.repository.publish();
  const now = simulator.bytes(`2.${role}.json`);
  simulator.instead(`2.${role}.json`, bytes(simulator.bytes(`1.${role}.json`), now));
  const refusal = await refusalOf(async () => {
    await client.refresh();
    await client.find('x');
  });
  const trusted: Readonly<Record<string, number | undefined>> = { ...client.versions() };
  return { reason: refusal.reason, subject: refusal.subject, trusted: trusted[role] };
}

describe.each(documents)('%s', (role, _, subject) => {
  it('of another version than announced', async () => {
    const outcome = await withInstead(role, (old) => old, {});
    expect(outcome).toEqual({ reason: 'mix-and-match', subject, trusted: undefined });
  });

  it('of a newer version than announced', async () => {
    const { simulator, client } = layered();
    if (role === 'snapshot') {
      simulator.repository.snapshot.version = 2;
      simulator.instead('1.snapshot.json', simulator.repository.write('snapshot'));
    } else {
      simulator.repository.role(role).version = 2;
      simulator.instead(`1.${role}.json`, simulator.repository.write(role));
    }
    const refusal = await refusalOf(async () => {
      await client.refresh();
      await client.find('x');
    });
    expect(refusal).toMatchObject({ reason: 'mix-and-match', subject });
  });

  it('one byte longer than announced (CVE-2026-6967)', async () => {
    const outcome = await withInstead(role, (_old, now) => Buffer.concat([now, Buffer.from(' ')]), {
      metaHashes: ['sha256'],
    });
    // The reader stops at the announced length, so the simulator answers as upstream's adapter would.
    expect(outcome).toEqual({ reason: 'limit', subject: undefined, trusted: undefined });
  });

  it('one byte shorter than announced', async () => {
    const outcome = await withInstead(role, (_old, now) => now.subarray(0, -1), { metaHashes: ['sha256'] });
    expect(outcome).toEqual({ reason: 'length', subject, trusted: undefined });
  });

  it.each(['sha256', 'sha512', 'blake2b-256'] as const)(
    'of another %s than announced (CVE-2026-6967)',
    async (algorithm) => {
      const outcome = await withInstead(role, (_old, now) => swapCase(now), { metaHashes: [algorithm] });
      expect(outcome).toEqual({ reason: 'digest', subject, trusted: undefined });
    },
  );

  it('well signed, of the right version and length, but other bytes than announced', async () => {
    // The same signed part laid out otherwise: every signature holds.
    const outcome = await withInstead(role, (_old, now) => reordered(now), { metaHashes: ['sha512', 'sha256'] });
    expect(outcome).toEqual({ reason: 'digest', subject, trusted: undefined });
  });
});

it.each(documents.filter(([role]) => role !== 'snapshot'))(
  '%s that the snapshot does not list is not asked for (go-tuf 2.0.1)',
  async (role, _, subject) => {
    const { simulator, client } = layered();
    simulator.repository.publish({ snapshot: (document) => document.meta.delete(`${role}.json`) });
    const refusal = await refusalOf(async () => {
      await client.refresh();
      await client.find('x');
    });
    expect(refusal).toMatchObject({ reason: 'mix-and-match', subject });
    expect(simulator.reads).not.toContain(`1.${role}.json`);
  },
);

it('a snapshot that the timestamp does not list is not asked for', async () => {
  const { simulator, client } = layered();
  simulator.repository.publish({ timestamp: (document) => document.meta.delete('snapshot.json') });
  expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'format', subject: 'timestamp' });
  expect(simulator.reads).not.toContain('2.snapshot.json');
});

/** Other bytes of the same length. */
function swapCase(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  copy[copy.length - 3] = (copy[copy.length - 3] ?? 0) ^ 0x20;
  return copy;
}

/** The envelope's two members in the other order: as many bytes, the same meaning. */
function reordered(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('utf8');
  const split = text.indexOf(',"signed":');
  return Buffer.from(`{${text.slice(split + 1, -1)},${text.slice(1, split)}}`);
}

describe('one role served in the place of another', () => {
  const shared = authority(['shared']);
  const authorities = { root: shared, timestamp: shared, snapshot: shared, targets: shared };
  const names = {
    timestamp: 'timestamp.json',
    snapshot: '1.snapshot.json',
    targets: '1.targets.json',
    root: '2.root.json',
  };
  const pairs = (['root', 'timestamp', 'snapshot', 'targets'] as const).flatMap((wanted) =>
    (['root', 'timestamp', 'snapshot', 'targets'] as const)
      .filter((sent) => sent !== wanted)
      .map((sent) => [wanted, sent] as const),
  );
  it.each(pairs)('%s asked for, %s sent, signed by the same key', async (wanted, sent) => {
    const simulator = createSimulator({ authorities });
    simulator.instead(names[wanted], simulator.bytes(sent === 'root' ? '1.root.json' : names[sent]));
    expect(await refusalOf(createClient(simulator).refresh())).toMatchObject({ reason: 'format', subject: wanted });
  });
});

describe('a repository in the middle of a publish', () => {
  it.each([
    ['the timestamp alone', ['timestamp.json']],
    ['the snapshot missing', ['timestamp.json', '2.targets.json', '2.a.json']],
    ['targets missing', ['timestamp.json', '2.snapshot.json']],
  ])('%s: refused now, whole a moment later', async (_, published) => {
    const { simulator, client } = layered();
    await client.refresh();
    const old = simulator.save();
    for (const name of simulator.repository.roles.keys()) simulator.repository.touch(name);
    simulator.repository.publish();
    simulator.replay(
      new Map([...old, ...published.map((name) => [`metadata/${name}`, simulator.bytes(name)] as const)]),
    );
    expect(await refusalOf(client.refresh())).toMatchObject({ reason: 'unreachable', transient: true });
    simulator.behave();
    await client.refresh();
    expect(client.versions()).toMatchObject({ timestamp: 2, snapshot: 2, targets: 2 });
  });

  it('without consistent snapshots, every stale part is seen', async () => {
    for (const stale of ['snapshot.json', 'targets.json']) {
      const { simulator, client } = layered({ consistent: false });
      await client.refresh();
      const old = simulator.bytes(stale);
      simulator.repository.touch('targets');
      simulator.repository.publish();
      simulator.instead(stale, old);
      expect(await reasonOf(client.refresh()), stale).toBe('mix-and-match');
      simulator.behave();
      await client.refresh();
    }
  });

  it('a snapshot that says the same version but other bytes is asked for again, and must match', async () => {
    const { simulator, client } = layered({ metaHashes: ['sha256'] });
    await client.refresh();
    simulator.repository.snapshot['x-other'] = true;
    const bytes = simulator.repository.write('snapshot');
    simulator.repository.timestamp.version = 2;
    const hashes = new Map([['sha256', digestHex('sha256', bytes)]]);
    simulator.repository.timestamp.meta.set('snapshot.json', { version: 1, length: bytes.byteLength, hashes });
    simulator.repository.write('timestamp');
    const generation = await client.refresh();
    expect(Buffer.from(generation.snapshot.bytes)).toEqual(bytes);
  });
});

describe('arbitrary installation: what a target is proved by', () => {
  async function found(hashes: readonly Algorithm[]) {
    const simulator = createSimulator({
      targetHashes: hashes,
      fill: (r) => r.addTarget('targets', 'x', Buffer.from('good')),
    });
    const client = createClient(simulator);
    await client.refresh();
    const { target } = await client.find('x');
    return target ?? expect.fail('not found');
  }

  it.each<readonly Algorithm[]>([
    ['sha256'],
    ['sha512'],
    ['blake2b-256'],
    ['sha256', 'sha512'],
    ['blake2b-256', 'sha256'],
  ])('digests %s %s', async (...hashes) => {
    const target = await found(hashes.filter((name) => name !== undefined));
    expect(prove(Buffer.from('good'), target).bytes.byteLength).toBe(4);
    expect(await reasonOf(() => prove(Buffer.from('evil'), target))).toBe('digest');
    expect(await reasonOf(() => prove(Buffer.from('good '), target))).toBe('length');
    expect(await reasonOf(() => prove(Buffer.from('goo'), target))).toBe('length');
  });

  it('every known digest must hold, not only the first', async () => {
    const target = await found(['sha256', 'sha512']);
    const digests = new Map([...target.digests, ['sha512' as const, '0'.repeat(128)]]);
    expect(await reasonOf(() => prove(Buffer.from('good'), makeExpected({ length: target.length, digests })))).toBe(
      'digest',
    );
  });

  it('a target that lists no known algorithm is proved by nothing', async () => {
    const simulator = createSimulator({ fill: (r) => r.addTarget('targets', 'x', Buffer.from('good')) });
    simulator.repository.touch('targets');
    simulator.repository.publish({
      roles: { targets: (d) => d.targets.set('x', { length: 4, hashes: new Map([['md5', '0'.repeat(32)]]) }) },
    });
    const client = createClient(simulator);
    await client.refresh();
    const { target } = await client.find('x');
    expect(await reasonOf(() => prove(Buffer.from('good'), target ?? expect.fail()))).toBe('algorithm');
  });

  it('a target with no digests at all spoils its role (go-tuf 17b4808)', async () => {
    const simulator = createSimulator({ fill: (r) => r.addTarget('targets', 'x', Buffer.from('good')) });
    simulator.repository.touch('targets');
    simulator.repository.publish({ roles: { targets: (d) => d.targets.set('x', { length: 4, hashes: new Map() }) } });
    expect(await reasonOf(createClient(simulator).refresh())).toBe('format');
  });
});
