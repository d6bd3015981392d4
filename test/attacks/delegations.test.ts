import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { TargetsDocument } from '../../src/repository/documents.ts';
import { sign } from '../../src/repository/documents.ts';
import { disguise, rsaKey, type SigningKey } from '../../src/repository/signing-keys.ts';
import { acceptDelegated } from '../../src/tuf/accept.ts';
import type { Delegation } from '../../src/tuf/model.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import type { Generation } from '../../src/tuf/stages.ts';
import { createClient, reasonOf, refusalOf } from '../support/client.ts';
import { authority, heldBy, key } from '../support/keys.ts';
import { createSimulator, type Simulator } from '../support/simulator.ts';

const rsaSecret = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const rsaOne = rsaKey({ secret: rsaSecret });
const rsaTwo = rsaKey({ secret: rsaSecret, digest: 'sha512' });

const bytes = (text: string) => Buffer.from(text);

describe('a role with two delegators (TOB-SIGSTORE-14, python-tuf #2977, go-tuf #759)', () => {
  function diamond(signers: readonly string[]): Simulator {
    return createSimulator({
      fill(r) {
        r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['a/*'] });
        r.delegate('targets', { name: 'b', authority: authority(['b']), paths: ['b/*'] });
        r.delegate('a', { name: 'shared', authority: authority(['known to a']), paths: ['*/*'] });
        r.delegate('b', { name: 'shared', authority: authority(['known to b']), paths: ['*/*'] });
        r.addTarget('shared', 'a/x', bytes('x'));
        r.addTarget('shared', 'b/x', bytes('x'));
        r.signers.set('shared', signers.map(key));
      },
    });
  }

  it('believed through one delegator, it is not believed through the other', async () => {
    const client = createClient(diamond(['known to a']));
    await client.refresh();
    expect((await client.find('a/x')).target?.length).toBe(1);
    expect(await refusalOf(client.find('b/x'))).toMatchObject({ reason: 'threshold', subject: 'delegated' });
  });

  it('signed for both, it answers through both', async () => {
    const client = createClient(diamond(['known to a', 'known to b']));
    await client.refresh();
    expect((await client.find('a/x')).listedBy?.parent?.by?.name).toBe('a');
    expect((await client.find('b/x')).listedBy?.parent?.by?.name).toBe('b');
  });

  it('a role opened before under one delegator is opened again under another', async () => {
    const simulator = diamond(['known to a']);
    const client = createClient(simulator);
    const generation = await client.refresh();
    const { role, by } = (await client.find('a/x')).listedBy ?? expect.fail();
    expect(by).toBeDefined();
    const throughA = await delegation(simulator, generation, 'a');
    const throughB = await delegation(simulator, generation, 'b');
    expect(runToEnd(acceptDelegated(generation, throughA, role))).toBe(role);
    expect(await reasonOf(() => runToEnd(acceptDelegated(generation, throughB, role)))).toBe('threshold');
  });

  async function delegation(simulator: Simulator, generation: Generation, from: string): Promise<Delegation> {
    const above = generation.targets.signed.delegations?.named(from) ?? expect.fail();
    const role = runToEnd(acceptDelegated(generation, above, simulator.bytes(`1.${from}.json`)));
    return role.signed.delegations?.named('shared') ?? expect.fail();
  }

  it.each<[string, SigningKey, SigningKey]>([
    ['another key', key('one'), key('two')],
    ['another scheme of its key', rsaOne, rsaTwo],
  ])('one key id that means %s to the other delegator', async (_, toA, toB) => {
    const simulator = createSimulator({
      fill(r) {
        r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['a/*'] });
        r.delegate('targets', { name: 'b', authority: authority(['b']), paths: ['b/*'] });
        r.delegate('a', { name: 'shared', authority: heldBy([disguise(toA, {}, 'label')]), paths: ['*/*'] });
        r.delegate('b', { name: 'shared', authority: heldBy([disguise(toB, {}, 'label')]), paths: ['*/*'] });
        r.addTarget('shared', 'a/x', bytes('x'));
        r.signers.set('shared', [disguise(toA, {}, 'label')]);
      },
    });
    const client = createClient(simulator);
    const generation = await client.refresh();
    const { role } = (await client.find('a/x')).listedBy ?? expect.fail();
    const throughB = await delegation(simulator, generation, 'b');
    expect(await reasonOf(() => runToEnd(acceptDelegated(generation, throughB, role)))).toBe('threshold');
  });

  it('a threshold that only one delegator has raised', async () => {
    const simulator = createSimulator({
      fill(r) {
        r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['a/*'] });
        r.delegate('targets', { name: 'b', authority: authority(['b']), paths: ['b/*'] });
        r.delegate('a', { name: 'shared', authority: authority(['s1', 's2'], 1), paths: ['*/*'] });
        r.delegate('b', { name: 'shared', authority: authority(['s1', 's2'], 2), paths: ['*/*'] });
        r.addTarget('shared', 'a/x', bytes('x'));
        r.signers.set('shared', [key('s1')]);
      },
    });
    const client = createClient(simulator);
    const generation = await client.refresh();
    const { role } = (await client.find('a/x')).listedBy ?? expect.fail();
    const throughB = await delegation(simulator, generation, 'b');
    expect(await reasonOf(() => runToEnd(acceptDelegated(generation, throughB, role)))).toBe('threshold');
    expect(await reasonOf(client.find('b/x'))).toBe('threshold');
  });
});

describe('a delegated role is worth what its delegator says, no more', () => {
  it('keys of a stranger, or of the top level, do not sign for it', async () => {
    for (const signer of ['stranger', 'root', 'timestamp', 'snapshot', 'targets']) {
      const simulator = createSimulator({
        fill(r) {
          r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] });
          r.signers.set('a', [key(signer)]);
        },
      });
      const client = createClient(simulator);
      await client.refresh();
      expect(await reasonOf(client.find('x')), signer).toBe('threshold');
    }
  });

  it('a key that one role lists is no key of another', async () => {
    const simulator = createSimulator({
      fill(r) {
        r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] });
        r.delegate('targets', { name: 'b', authority: authority(['b']), paths: ['*'] });
        r.signers.set('b', [key('a')]);
      },
    });
    const client = createClient(simulator);
    await client.refresh();
    expect(await reasonOf(client.find('x'))).toBe('threshold');
  });

  it('two roles may not exchange their files, though one key signs both (rust-tuf #275)', async () => {
    const simulator = createSimulator({
      metaHashes: ['sha256'],
      fill(r) {
        for (const name of ['a', 'b']) {
          r.delegate('targets', { name, authority: authority(['both']), paths: [`${name}/*`] });
          r.addTarget(name, `${name}/x`, bytes(name));
        }
        // What b says of a's path must never be heard.
        r.addTarget('b', 'a/y', bytes('smuggled'));
      },
    });
    const client = createClient(simulator);
    await client.refresh();
    expect((await client.find('a/y')).target).toBeUndefined();
    simulator.instead('1.a.json', simulator.bytes('1.b.json').subarray());
    expect(['digest', 'length', 'limit']).toContain(await reasonOf(client.find('a/y')));
  });

  it('keys that the delegator has dropped are dropped at once', async () => {
    const simulator = createSimulator({
      fill: (r) => {
        r.delegate('targets', { name: 'a', authority: authority(['old']), paths: ['*'] });
        r.addTarget('a', 'x', bytes('x'));
      },
    });
    const client = createClient(simulator);
    await client.refresh();
    expect((await client.find('x')).target?.length).toBe(1);
    const document = simulator.repository.role('targets');
    document.delegations = { keys: new Map(), roles: [] };
    simulator.repository.delegate('targets', { name: 'a', authority: authority(['new']), paths: ['*'] });
    simulator.repository.signers.set('a', [key('old')]);
    simulator.repository.publish();
    await client.refresh();
    expect(await reasonOf(client.find('x'))).toBe('threshold');
  });

  it('an unsigned role (rust-tuf #275)', async () => {
    const simulator = createSimulator({
      fill: (r) => {
        r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] });
        r.signers.set('a', []);
      },
    });
    const client = createClient(simulator);
    await client.refresh();
    expect(await reasonOf(client.find('x'))).toBe('threshold');
  });

  it('only keys that this very role object lists: root keys do not help', async () => {
    const simulator = createSimulator({
      fill: (r) => r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] }),
    });
    simulator.repository.role('targets').delegations?.keys.clear();
    simulator.repository.touch('targets');
    simulator.repository.publish();
    const client = createClient(simulator);
    await client.refresh();
    expect(await reasonOf(client.find('x'))).toBe('threshold');
  });
});

describe('terminating delegations protect what is claimed (CVE-2025-2886)', () => {
  it('a lower-priority role does not answer for a claimed name, even one its owner does not list', async () => {
    const simulator = createSimulator({
      fill(r) {
        r.delegate('targets', { name: 'claimed', authority: authority(['offline']), paths: ['*/*'] });
        r.delegate('targets', { name: 'unclaimed', authority: authority(['online']), paths: ['*/*'] });
        r.delegate('claimed', { name: 'owner', authority: authority(['owner']), paths: ['mine/*'], terminating: true });
        r.addTarget('unclaimed', 'mine/x', bytes('the attacker holds the online key'));
        r.addTarget('unclaimed', 'other/x', bytes('anybody'));
      },
    });
    const client = createClient(simulator);
    await client.refresh();
    expect((await client.find('mine/x')).target).toBeUndefined();
    expect((await client.find('other/x')).listedBy?.by?.name).toBe('unclaimed');
  });
});

describe('succinct bins', () => {
  const name = (index: number) => `bin-${index}`;

  it("one bin's metadata does not answer for another, though one key signs them all", async () => {
    const simulator = createSimulator({ metaHashes: ['sha256'] });
    const bins = simulator.repository.delegateSuccinct('targets', 'bin', 3, authority(['online']));
    const mine = bins.binOf('x');
    const other = bins.names.find((bin) => bin !== mine) ?? expect.fail();
    simulator.repository.addTarget(other, 'x', bytes('in a bin where nobody looks'));
    simulator.repository.publish();
    const client = createClient(simulator);
    await client.refresh();
    expect((await client.find('x')).target).toBeUndefined();
    expect(mine).not.toBe(name(8));
  });

  it('a bin signed by its delegator only', async () => {
    const simulator = createSimulator();
    const bins = simulator.repository.delegateSuccinct('targets', 'bin', 1, authority(['online']));
    for (const bin of bins.names) simulator.repository.signers.set(bin, [key('targets')]);
    simulator.repository.publish();
    const client = createClient(simulator);
    await client.refresh();
    expect(await reasonOf(client.find('x'))).toBe('threshold');
  });
});

it('a role that claims another _type', async () => {
  const simulator = createSimulator({
    fill: (r) => r.delegate('targets', { name: 'a', authority: heldBy([key('snapshot')]), paths: ['*'] }),
  });
  simulator.instead('1.a.json', simulator.bytes('1.snapshot.json'));
  const client = createClient(simulator);
  await client.refresh();
  expect(await refusalOf(client.find('x'))).toMatchObject({ reason: 'format', subject: 'delegated' });
});

it('delegated metadata is held to the same format as targets', async () => {
  const simulator = createSimulator({
    fill: (r) => r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] }),
  });
  const wrong: Partial<Record<keyof TargetsDocument, unknown>>[] = [
    { expires: 'garbage' },
    { version: 0 },
    { spec_version: '2.0.0' },
    { targets: [] },
  ];
  const client = createClient(simulator);
  await client.refresh();
  for (const members of wrong) {
    const document = { ...simulator.repository.role('a'), ...members };
    simulator.instead('1.a.json', sign(document, [key('a')]));
    expect(await reasonOf(client.find('x')), JSON.stringify(members)).toBe('format');
  }
});
