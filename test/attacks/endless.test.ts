import { describe, expect, it } from 'vitest';
import { envelope, sign, signaturesOf } from '../../src/repository/documents.ts';
import { ecdsaKey } from '../../src/repository/signing-keys.ts';
import { acceptRoot, acceptSnapshot, acceptTimestamp } from '../../src/tuf/accept.ts';
import { readJson } from '../../src/tuf/json/json.ts';
import { LIMITS } from '../../src/tuf/limits.ts';
import type { Sliced } from '../../src/tuf/sliced.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import { createClient, reasonOf, refusalOf } from '../support/client.ts';
import { START } from '../support/clock.ts';
import { cpuTime, onThisMachine } from '../support/cpu.ts';
import { authority, heldBy, key } from '../support/keys.ts';
import { createSimulator } from '../support/simulator.ts';
import { startFrom } from '../support/start.ts';

/** Runs judging and tells the longest stretch of CPU time without a pause, in milliseconds. */
function longestStretch<T>(judging: Sliced<T>): {
  value: T | undefined;
  error: unknown;
  total: number;
  stretch: number;
} {
  const start = cpuTime();
  let stretch = 0;
  let from = start;
  for (;;) {
    let next: IteratorResult<undefined, T>;
    try {
      next = judging.next();
    } catch (error) {
      return {
        value: undefined,
        error,
        total: cpuTime() - start,
        stretch: Math.max(stretch, cpuTime() - from),
      };
    }
    const now = cpuTime();
    stretch = Math.max(stretch, now - from);
    from = now;
    if (next.done === true) return { value: next.value, error: undefined, total: now - start, stretch };
  }
}

describe('what is read is bounded', () => {
  const asked = async (options: Parameters<typeof createSimulator>[0], target?: string) => {
    const simulator = createSimulator(options);
    const limits = new Map<string, number>();
    const client = createClient({
      ...simulator,
      source: {
        read(request) {
          limits.set(request.role, request.limit);
          return simulator.source.read(request);
        },
      },
    });
    await client.refresh();
    if (target !== undefined) await client.find(target);
    return { limits, simulator };
  };

  it('by its own limit where nothing is announced', async () => {
    const { limits } = await asked({});
    expect(limits).toEqual(
      new Map([
        ['root', LIMITS.root],
        ['timestamp', LIMITS.timestamp],
        ['snapshot', LIMITS.snapshot],
        ['targets', LIMITS.unannouncedTargets],
      ]),
    );
  });

  it('a delegated role whose length no snapshot announces, by the lower limit of those', async () => {
    const { limits } = await asked(
      {
        fill: (r) => r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] }),
      },
      'x',
    );
    expect(limits.get('a')).toBe(LIMITS.unannouncedTargets);
  });

  it('by the announced length where there is one', async () => {
    const { limits, simulator } = await asked({ metaHashes: ['sha256'] });
    expect(limits.get('snapshot')).toBe(simulator.bytes('1.snapshot.json').byteLength);
    expect(limits.get('targets')).toBe(simulator.bytes('1.targets.json').byteLength);
  });

  it.each(['snapshot', 'targets', 'a'] as const)('%s announced beyond its limit is refused unread', async (role) => {
    const huge = { version: 1, length: 1_000_000_000 };
    const simulator = createSimulator({
      fill: (r) => r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] }),
    });
    simulator.repository.publish(
      role === 'snapshot'
        ? { timestamp: (d) => d.meta.set('snapshot.json', { ...huge, version: 2 }) }
        : { snapshot: (d) => d.meta.set(`${role}.json`, huge) },
    );
    const client = createClient(simulator);
    const run = async () => {
      await client.refresh();
      await client.find('x');
    };
    expect(await reasonOf(run)).toBe('limit');
    expect(simulator.reads.some((name) => name.endsWith(`.${role}.json`))).toBe(false);
  });

  it.each(['timestamp.json', '2.root.json'])('an endless %s', async (name) => {
    const simulator = createSimulator();
    simulator.instead(name, Buffer.alloc(LIMITS.root + 1, ' '));
    const client = createClient(simulator);
    expect(await reasonOf(client.refresh())).toBe('limit');
    expect(client.versions()).toEqual({ root: 1, timestamp: undefined, snapshot: undefined, targets: undefined });
  });
});

describe('a chain of roots without end', () => {
  const fast = heldBy([ecdsaKey({ curve: 'P-256' })]);

  it('is followed to the limit, and believed so far; the next refresh goes on from there', async () => {
    const simulator = createSimulator({ authorities: { root: fast } });
    const client = createClient(simulator);
    for (let i = 0; i < LIMITS.rootsPerRefresh + 1; i++) simulator.repository.publishRoot();
    await client.refresh();
    expect(client.versions()).toMatchObject({ root: LIMITS.rootsPerRefresh + 1, timestamp: 1, targets: 1 });
    expect(client.unfinished).toEqual([LIMITS.rootsPerRefresh + 1]);
    await client.refresh();
    expect(client.versions().root).toBe(LIMITS.rootsPerRefresh + 2);
    expect(client.unfinished).toHaveLength(1);
  });

  it('exactly as many as the limit are all there are', async () => {
    const simulator = createSimulator({ authorities: { root: fast } });
    const client = createClient(simulator);
    for (let i = 0; i < LIMITS.rootsPerRefresh; i++) simulator.repository.publishRoot();
    await client.refresh();
    expect(client.versions().root).toBe(LIMITS.rootsPerRefresh + 1);
    expect(client.unfinished).toEqual([]);
  });

  it('what a root in its middle cannot vouch for is refused as that, and is over with the next refresh', async () => {
    const simulator = createSimulator({ authorities: { root: fast } });
    const client = createClient(simulator);
    for (let i = 0; i < LIMITS.rootsPerRefresh; i++) simulator.repository.publishRoot();
    simulator.repository.rotate('timestamp', authority(['another timestamp']));
    simulator.repository.publish();
    const refusal = await refusalOf(client.refresh());
    expect(refusal).toMatchObject({ reason: 'limit', subject: 'root', transient: true });
    expect(refusal.cause).toMatchObject({ reason: 'threshold' });
    await client.refresh();
    expect(client.versions()).toMatchObject({ root: LIMITS.rootsPerRefresh + 2, timestamp: 2 });
  });
});

describe('the largest roots that are honest', () => {
  /** Every role lists as many keys as it may. */
  const large = (keyidOf: (i: number) => string, signers: number) => {
    const { root } = createSimulator().repository;
    const listed = Array.from({ length: LIMITS.rootKeys - 1 }, (_, i) => keyidOf(i));
    const keys = new Map([
      [key('root').keyid, key('root').public],
      ...listed.map(
        (keyid, i) =>
          [
            keyid,
            {
              keyid_hash_algorithms: ['sha256', 'sha512'],
              keytype: 'ed25519',
              scheme: 'ed25519',
              keyval: { public: i.toString(16).padStart(64, '1') },
            },
          ] as const,
      ),
    ]);
    const role = { keyids: [key('root').keyid, ...listed.slice(0, LIMITS.roleKeys - 1)], threshold: 1 };
    const roles = new Map([...root.roles.keys()].map((name) => [name, role]));
    const signed = { ...root, version: 2, keys, roles };
    return envelope(signed, [
      ...signaturesOf(signed, [key('root')]),
      ...listed.slice(0, signers).map((keyid) => ({ keyid, sig: 'ab'.repeat(64) })),
      ...Array.from({ length: Math.max(0, signers - listed.length) }, (_, i) => ({
        keyid: `-${i}`,
        sig: 'ab'.repeat(64),
      })),
    ]);
  };

  it.each([
    ['the key ids are digests, as TUF has them', (i: number) => i.toString(16).padStart(64, '0'), 925],
    ['the key ids are as short as can be', (i: number) => String(i), LIMITS.signatures - 1],
  ])('as many keys, key ids and signatures as the limits and its bytes allow, where %s', (_, keyidOf, signers) => {
    const bytes = large(keyidOf, signers);
    expect(bytes.byteLength).toBeLessThanOrEqual(LIMITS.root);
    expect(bytes.byteLength).toBeGreaterThan(LIMITS.root * 0.98);
    const at = startFrom(createSimulator().rootBytes(1), START);
    expect(runToEnd(acceptRoot(at, bytes)).root.signed.version).toBe(2);
  });
});

describe('hostile documents cost little, before any signature is believed', () => {
  const simulator = createSimulator();
  const at = startFrom(simulator.rootBytes(1), START);

  it('an unsigned root of 10,800 keys', () => {
    const keys = new Map(Array.from({ length: 10_800 }, (_, i) => [`${i}`, { keytype: '', scheme: '', keyval: {} }]));
    const bytes = sign({ ...simulator.repository.root, version: 2, keys }, []);
    expect(bytes.byteLength).toBeLessThanOrEqual(LIMITS.root * 2);
    const outcome = longestStretch(acceptRoot(at, bytes));
    expect(outcome.error).toMatchObject({ reason: 'limit', subject: 'root' });
    expect(outcome.total).toBeLessThan(onThisMachine(250));
    expect(outcome.stretch).toBeLessThan(onThisMachine(50));
  });

  it.each([
    ['lists', (n: number) => `[${Array.from({ length: n }, () => '[]')}]`],
    ['numbers', (n: number) => `[${Array.from({ length: n }, () => '1')}]`],
    ['members', (n: number) => `{${Array.from({ length: n }, (_, i) => `"${i}":1`)}}`],
    ['objects', (n: number) => `[${Array.from({ length: n / 2 }, () => '{"":{}}')}]`],
  ])('a root of more values than any root needs: %s', (_, many) => {
    const before = envelope({ x: '', ...simulator.repository.root, version: 2 }, []);
    const rooted = (count: number) =>
      Buffer.from(
        Buffer.from(before)
          .toString('utf8')
          .replace('"x":""', `"x":${many(count)}`),
      );
    const over = rooted(LIMITS.rootValues);
    expect(over.byteLength).toBeLessThanOrEqual(LIMITS.root);
    const outcome = longestStretch(acceptRoot(at, over));
    expect(outcome.error).toMatchObject({ reason: 'limit', subject: 'root' });
    expect(outcome.total).toBeLessThan(onThisMachine(250));
    expect(longestStretch(acceptRoot(at, rooted(LIMITS.rootValues - 200))).error).toMatchObject({
      reason: 'threshold',
    });
  });

  it('a pinned root of more values than any root needs', async () => {
    const x = Array.from({ length: LIMITS.rootValues }, () => 1);
    const pinned = sign({ ...simulator.repository.root, x }, [key('root')]);
    expect(await reasonOf(() => startFrom(pinned, START))).toBe('limit');
  });

  it('a root whose every listed key must be tried', () => {
    const held = Array.from({ length: LIMITS.roleKeys }, (_, i) => key(`held ${i}`));
    const keys = new Map(held.map((each) => [each.keyid, each.public]));
    const roles = new Map(simulator.repository.root.roles);
    roles.set('root', { keyids: [...keys.keys()], threshold: 1 });
    const forged = { ...simulator.repository.root, version: 2, keys, roles };
    const real = sign(forged, [key('root')]);
    const document: { signatures: unknown[]; signed: unknown } = JSON.parse(Buffer.from(real).toString('utf8'));
    document.signatures.push(...held.map(({ keyid }) => ({ keyid, sig: '11'.repeat(64) })));
    const outcome = longestStretch(acceptRoot(at, Buffer.from(JSON.stringify(document))));
    expect(outcome.error).toMatchObject({ reason: 'threshold' });
    expect(outcome.stretch).toBeLessThan(onThisMachine(50));
  });

  it('a role of nothing but millions of zeros', async () => {
    const zeros = Buffer.alloc(2 * (LIMITS.jsonValues + 1), ',0');
    zeros.write('[');
    expect(zeros.byteLength).toBeLessThan(LIMITS.targets);
    expect(await reasonOf(() => runToEnd(readJson(zeros)))).toBe('limit');
  });

  it('a role of millions of empty objects is refused before most of them are made', async () => {
    // Fewer than any document may hold, and more than one so short needs; it ends in the middle, which nobody comes to see.
    const objects = Buffer.alloc(6 * 1024 * 1024, '{},');
    objects.write('[0,');
    expect(objects.byteLength / 3).toBeLessThan(LIMITS.jsonValues);
    expect(await reasonOf(() => runToEnd(acceptTimestamp(at, objects, {})))).toBe('limit');
  });

  it('a timestamp of nothing but brackets', async () => {
    const start = cpuTime();
    expect(await reasonOf(() => runToEnd(acceptTimestamp(at, Buffer.alloc(LIMITS.timestamp, '{"a":'), {})))).toBe(
      'limit',
    );
    expect(cpuTime() - start).toBeLessThan(onThisMachine(20));
  });
});

it('a snapshot of 16,384 bins with hashes is accepted in time and in small steps', () => {
  const simulator = createSimulator();
  const digest = '5'.repeat(64);
  for (let i = 0; i < 16_384; i++)
    simulator.repository.snapshot.meta.set(`bin-${i.toString(16).padStart(4, '0')}.json`, {
      version: i + 1,
      length: 54_349,
      hashes: new Map([['sha256', digest]]),
    });
  simulator.repository.publish();
  const bytes = simulator.bytes('2.snapshot.json');
  expect(bytes.byteLength).toBeGreaterThan(2_000_000);
  const at = runToEnd(acceptTimestamp(startFrom(simulator.rootBytes(1), START), simulator.bytes('timestamp.json'), {}));
  const outcome = longestStretch(acceptSnapshot(at, bytes, {}));
  expect(outcome.value?.snapshot.signed.meta.size).toBe(16_385);
  expect(outcome.total).toBeLessThan(onThisMachine(1000));
  expect(outcome.stretch).toBeLessThan(onThisMachine(50));
});
