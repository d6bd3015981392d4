import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Authority,
  type Document,
  envelope,
  type Signature,
  signaturesOf,
} from '../../src/repository/documents.ts';
import { disguise, ecdsaKey, rsaKey, type SigningKey } from '../../src/repository/signing-keys.ts';
import { LIMITS } from '../../src/tuf/limits.ts';
import { createClient, reasonOf, type TestClient } from '../support/client.ts';
import { cpuTime, onThisMachine } from '../support/cpu.ts';
import { authority, heldBy, key } from '../support/keys.ts';
import { createSimulator, type Simulator } from '../support/simulator.ts';

// Each way to let too few keys look like enough, tried at each place where signatures are counted: clients have had
// them right at one place and wrong at another.

type Sign = (document: Document) => readonly Signature[];

interface Place {
  /** Ends in the client's verdict over one document held by `by`, signed as `sign` says. */
  readonly attempt: (by: Authority, sign: Sign) => Promise<unknown>;
}

function topLevel(role: 'timestamp' | 'snapshot' | 'targets', name: string): Place {
  return {
    async attempt(by, sign) {
      const simulator = createSimulator({ authorities: { [role]: by } });
      const document = role === 'targets' ? simulator.repository.role(role) : simulator.repository[role];
      simulator.instead(name, envelope(document, sign(document)));
      return tried(simulator, createClient(simulator), role, (client) => client.refresh());
    },
  };
}

function delegatedBy(delegate: (simulator: Simulator, by: Authority) => string): Place {
  return {
    async attempt(by, sign) {
      const simulator = createSimulator();
      const name = delegate(simulator, by);
      simulator.repository.publish();
      const document = simulator.repository.role(name);
      simulator.instead(`1.${name}.json`, envelope(document, sign(document)));
      const client = createClient(simulator);
      await client.refresh();
      return client.find('x');
    },
  };
}

/** Runs it, and sees to it that a refusal leaves trust where it was. */
async function tried(
  simulator: Simulator,
  client: TestClient,
  role: 'root' | 'timestamp' | 'snapshot' | 'targets',
  run: (client: TestClient) => Promise<unknown>,
): Promise<unknown> {
  const before = client.versions()[role];
  try {
    return await run(client);
  } catch (error) {
    expect(client.versions()[role]).toBe(before);
    simulator.behave();
    throw error;
  }
}

const places: Readonly<Record<string, Place>> = {
  'the pinned root': {
    async attempt(by, sign) {
      const simulator = createSimulator({ authorities: { root: by } });
      return createClient(simulator, envelope(simulator.repository.root, sign(simulator.repository.root))).refresh();
    },
  },
  'a new root, by the old keys': {
    async attempt(by, sign) {
      const simulator = createSimulator({ authorities: { root: by } });
      const client = createClient(simulator);
      simulator.repository.rotate('root', authority(['fresh']));
      simulator.repository.publishRoot();
      const document = simulator.repository.root;
      const own = signaturesOf(document, [key('fresh')]);
      simulator.instead('2.root.json', envelope(document, [...own, ...sign(document)]));
      return tried(simulator, client, 'root', () => client.refresh());
    },
  },
  'a new root, by its own keys (GMS-2022-4197)': {
    async attempt(by, sign) {
      const simulator = createSimulator();
      const client = createClient(simulator);
      simulator.repository.rotate('root', by);
      simulator.repository.publishRoot();
      const document = simulator.repository.root;
      const old = signaturesOf(document, [key('root')]);
      simulator.instead('2.root.json', envelope(document, [...old, ...sign(document)]));
      return tried(simulator, client, 'root', () => client.refresh());
    },
  },
  timestamp: topLevel('timestamp', 'timestamp.json'),
  snapshot: topLevel('snapshot', '1.snapshot.json'),
  targets: topLevel('targets', '1.targets.json'),
  'a delegated role': delegatedBy(({ repository }, by) => {
    repository.delegate('targets', { name: 'a', authority: by, paths: ['*'] });
    return 'a';
  }),
  'a role delegated at depth 3': delegatedBy(({ repository }, by) => {
    repository.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] });
    repository.delegate('a', { name: 'b', authority: authority(['b']), paths: ['*'] });
    repository.delegate('b', { name: 'c', authority: by, paths: ['*'] });
    return 'c';
  }),
  'a prefix bin': delegatedBy(({ repository }, by) => repository.delegateBins('targets', 'bin', 2, by).binOf('x')),
  'a succinct bin': delegatedBy(({ repository }, by) =>
    repository.delegateSuccinct('targets', 'bin', 2, by).binOf('x'),
  ),
};

const two = authority(['one', 'two'], 2);
const [one, other] = [key('one'), key('two')];
const good = (keys: readonly SigningKey[]) => (document: Document) => signaturesOf(document, keys);

const ec = ecdsaKey({ curve: 'P-256', secret: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey });
const secret = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const ecPem = ecdsaKey({ curve: 'P-256', secret });
const ecHex = ecdsaKey({ curve: 'P-256', secret, form: 'hex' });
const ecNamed = ecdsaKey({ curve: 'P-256', secret, keytype: 'named' });
const rsaSecret = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const rsaOne = rsaKey({ secret: rsaSecret });
const rsaTwo = rsaKey({ secret: rsaSecret, digest: 'sha512' });
const rsaPkcs1 = rsaKey({ secret: rsaSecret, listed: 'pkcs1', padding: 'pkcs1' });
const upper = disguise(one, { keyval: { public: String(one.public.keyval['public']).toUpperCase() } });
const crlf = disguise(ecPem, {
  keyval: { public: `${String(ecPem.public.keyval['public']).replaceAll('\n', '\r\n')}\n` },
});

const oidc: SigningKey = {
  keyid: 'identity',
  public: { keytype: 'sigstore-oidc', scheme: 'Fulcio', keyval: { identity: 'a@example.com', issuer: 'https://x' } },
  sign: () => Buffer.alloc(64),
};

const refused: readonly (readonly [string, Authority, Sign, 'threshold' | 'format' | 'limit'])[] = [
  ['no signature at all', two, good([]), 'threshold'],
  ['one of two', two, good([one]), 'threshold'],
  ['one of two and a stranger', two, good([one, key('stranger')]), 'threshold'],
  [
    "a stranger's signature under a listed key id",
    two,
    (d) => signaturesOf(d, [one, disguise(key('stranger'), {}, other.keyid)]),
    'threshold',
  ],
  [
    'signatures over something else',
    two,
    () => signaturesOf({ _type: 'another', version: 1 }, [one, other]),
    'threshold',
  ],
  [
    'one valid signature twice (CVE-2020-6174, CVE-2020-15093, CVE-2026-6966)',
    two,
    (d) => [...signaturesOf(d, [one]), ...signaturesOf(d, [one])],
    'format',
  ],
  [
    'two different signatures by one key (CVE-2020-6174)',
    heldBy([ec, one], 2),
    (d) => [...signaturesOf(d, [ec]), ...signaturesOf(d, [ec])],
    'format',
  ],
  [
    'one key id twice beside enough good ones',
    authority(['one', 'two'], 1),
    (d) => [...signaturesOf(d, [one, other]), ...signaturesOf(d, [one])],
    'format',
  ],
  ...(
    [
      ['with an extra member', [one, disguise(one, { 'x-note': 'again' })]],
      ['under a free key id', [one, disguise(one, {}, 'anything')]],
      ['in upper-case hex', [one, upper]],
      ['as ecdsa and as ecdsa-sha2-nistp256', [ecPem, ecNamed]],
      ['as PEM and as hex point', [ecPem, ecHex]],
      ['with other line ends in its PEM', [ecPem, crlf]],
      ['under two RSA schemes', [rsaOne, rsaTwo]],
      ['under two RSA paddings', [rsaOne, rsaPkcs1]],
    ] as const
  ).map(
    ([how, keys]) =>
      [`one key listed twice ${how} (GHSA-3633-5h82-39pq)`, heldBy(keys, 2), good(keys), 'threshold'] as const,
  ),
  ['a sigstore-oidc key that signs zeros', heldBy([one, oidc], 2), good([one, oidc]), 'threshold'],
  [
    'a key of an unknown type',
    heldBy([one, disguise(other, { keytype: 'quantum' })], 2),
    good([one, disguise(other, { keytype: 'quantum' })]),
    'threshold',
  ],
  ...(
    [
      ['empty', () => ''],
      ['of odd length', (sig: string) => sig.slice(1)],
      ['one digit too long', (sig: string) => `${sig}0`],
      ['with hex behind it', (sig: string) => `${sig}00`],
      ['with other text behind it', (sig: string) => `${sig}zz`],
      ['cut short', (sig: string) => sig.slice(2)],
      ['with a blank in it', (sig: string) => `${sig.slice(0, 2)} ${sig.slice(2)}`],
      ['in base64', (sig: string) => Buffer.from(sig, 'hex').toString('base64')],
      ['with another bit', (sig: string) => sig.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))],
    ] as const
  ).map(
    ([how, change]) =>
      [
        `a second signature that is ${how}`,
        two,
        (d: Document) =>
          signaturesOf(d, [one, other]).map(({ keyid, sig }, i) => ({ keyid, sig: i === 0 ? sig : change(sig) })),
        'threshold',
      ] as const,
  ),
  [
    'a signature that is null',
    authority(['one'], 1),
    (d) => [...signaturesOf(d, [one]), Object.assign({ keyid: 'x', sig: '' }, { sig: null })],
    'format',
  ],
  [
    'more signatures than anybody needs (CVE-2020-6173)',
    authority(['one'], 1),
    (d) => [
      ...Array.from({ length: LIMITS.signatures }, (_, i) => ({ keyid: `junk${i}`, sig: '00'.repeat(64) })),
      ...signaturesOf(d, [one]),
    ],
    'limit',
  ],
];

const accepted: readonly (readonly [string, Authority, Sign])[] = [
  ['two of two', two, good([one, other])],
  ['two of two, in the other order', two, good([other, one])],
  ['two of three', authority(['zero', 'one', 'two'], 2), good([one, other])],
  ['keys of several kinds', heldBy([one, ec, rsaPkcs1], 3), good([one, ec, rsaPkcs1])],
  [
    'enough, beside strangers, empty and invalid ones',
    authority(['one', 'two', 'three'], 2),
    (d) => [
      { keyid: 'unknown', sig: 'zz' },
      { keyid: key('three').keyid, sig: '' },
      ...signaturesOf(d, [key('stranger'), one, other]),
    ],
  ],
  [
    'enough, beside keys that nobody here can use',
    heldBy([oidc, disguise(other, { scheme: 'unheard of' }), one], 1),
    good([one]),
  ],
  [
    'a key id that is not the hash of its key',
    heldBy([disguise(one, {}, 'just a label')]),
    (d) => signaturesOf(d, [disguise(one, {}, 'just a label')]),
  ],
  [
    'a key id named __proto__',
    heldBy([disguise(one, {}, '__proto__')]),
    (d) => signaturesOf(d, [disguise(one, {}, '__proto__')]),
  ],
  [
    'upper-case hex in a signature',
    authority(['one'], 1),
    (d) => signaturesOf(d, [one]).map(({ keyid, sig }) => ({ keyid, sig: sig.toUpperCase() })),
  ],
];

describe.each(Object.entries(places))('%s', (name, { attempt }) => {
  it.each(refused)('is refused with %s', async (_, by, sign, reason) => {
    expect(await reasonOf(attempt(by, sign))).toBe(reason);
  });

  it.each(accepted)('is accepted with %s', async (_, by, sign) => {
    await attempt(by, sign);
  });

  if (name.includes('delegated') || name.includes('bin'))
    it('is refused where its threshold is above its keys', async () => {
      expect(await reasonOf(attempt({ keys: [one], threshold: 2 }, good([one])))).toBe('threshold');
    });
});

describe('a refusal for too few signatures names the schemes that nobody here can check', () => {
  const messageOf = async (by: Authority, sign: Sign) =>
    (places['timestamp'] ?? expect.fail()).attempt(by, sign).then(
      () => expect.fail(),
      (error: Error) => error.message,
    );
  const schemes = (names: readonly string[]) =>
    names.map((scheme, i) => disguise(key(`scheme ${i}`), { scheme, keytype: 'x' }));

  it('each once, whether or not its keys signed', async () => {
    const strange = schemes(['ed448', 'ed448', 'falcon-512']);
    expect(await messageOf(heldBy([one, ...strange], 2), good([one]))).toBe(
      'timestamp needs valid signatures by 2 of its 4 keys; found 1. Not understood, so that such keys count for nothing: ed448, falcon-512.',
    );
  });

  it('three of them, and how many more', async () => {
    const strange = schemes(['a', 'b', 'c', 'd', 'e']);
    expect(await messageOf(heldBy(strange, 1), good(strange))).toMatch(/nothing: a, b, c and 2 more\.$/);
  });

  it('with its key type where that is what does not fit, and cut short', async () => {
    const strange = [disguise(one, { keytype: 'rsa' }), disguise(other, { scheme: 'x'.repeat(500) })];
    expect(await messageOf(heldBy(strange, 1), good(strange))).toMatch(
      /nothing: ed25519 with the key type rsa, x{80}\.$/,
    );
  });

  it('and none where each is understood', async () => {
    expect(await messageOf(two, good([one]))).toMatch(/found 1\.$/);
  });
});

it('junk signatures cost no verification: 2,047 of them cost less than a hundred checks would (CVE-2020-6173)', async () => {
  const junk = Array.from({ length: LIMITS.signatures - 1 }, (_, i) => ({ keyid: `junk${i}`, sig: '00'.repeat(64) }));
  const place = places['timestamp'] ?? expect.fail();
  const start = cpuTime();
  const tooLong = place.attempt(authority(['one'], 1), (d) => [...junk, ...signaturesOf(d, [one])]);
  // A timestamp of that size is over its own limit; a targets file is not.
  expect(await reasonOf(tooLong)).toBe('limit');
  await (places['targets'] ?? expect.fail()).attempt(authority(['one'], 1), (d) => [
    ...junk,
    ...signaturesOf(d, [one]),
  ]);
  expect(cpuTime() - start).toBeLessThan(onThisMachine(400));
});
