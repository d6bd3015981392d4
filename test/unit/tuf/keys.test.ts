import { execFile } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  disguise,
  ecdsaKey,
  ed25519Key,
  mlDsaKey,
  rsaKey,
  type SigningKey,
} from '../../../src/repository/signing-keys.ts';
import { createKey, type Key } from '../../../src/tuf/keys.ts';
import { hasMlDsa } from '../../../src/tuf/schemes/ml-dsa.ts';
import { key, kinds } from '../../support/keys.ts';
import { node22 } from '../../support/node22.ts';
import { requirePart } from '../../support/python.ts';

const MESSAGE = Buffer.from('what was signed');

function read(signing: SigningKey, changes: { keytype?: string; scheme?: string; publicKey?: string } = {}): Key {
  const { keytype, scheme, keyval } = signing.public;
  return createKey({
    keyid: signing.keyid,
    keytype,
    scheme,
    publicKey: String(keyval['public']),
    saysOnline: false,
    ...changes,
  });
}

describe.each(Object.entries(kinds))('%s', (_, make) => {
  it('its signature holds over its message and no other', () => {
    const signing = make();
    const signature = signing.sign(MESSAGE);
    expect(read(signing).verifies(MESSAGE, signature)).toBe(true);
    expect(read(signing).verifies(Buffer.from('what was not'), signature)).toBe(false);
    expect(read(signing).material).toBeDefined();
  });

  it('short, long, empty and changed signatures do not hold, and nothing is thrown', () => {
    const signing = make();
    const judged = read(signing);
    const signature = Buffer.from(signing.sign(MESSAGE));
    expect(judged.verifies(MESSAGE, new Uint8Array())).toBe(false);
    expect(judged.verifies(MESSAGE, signature.subarray(0, -1))).toBe(false);
    expect(judged.verifies(MESSAGE, Buffer.concat([signature, Buffer.from([0])]))).toBe(false);
    fc.assert(
      fc.property(fc.nat(signature.length * 8 - 1), (bit) => {
        const changed = Buffer.from(signature);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(judged.verifies(MESSAGE, changed)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it('random signatures do not hold, and nothing is thrown', () => {
    const judged = read(make());
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (signature) => {
        expect(judged.verifies(MESSAGE, signature)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it('another key of its kind does not stand in for it', () => {
    const signing = make();
    expect(read(signing).verifies(MESSAGE, key('another').sign(MESSAGE))).toBe(false);
  });
});

it.each([
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
])('RFC 8032 §7.1, secret %s', (secret, publicKey, message, signature) => {
  const judged = createKey({ keyid: 'k', keytype: 'ed25519', scheme: 'ed25519', publicKey, saysOnline: false });
  expect(judged.verifies(Buffer.from(message, 'hex'), Buffer.from(signature, 'hex'))).toBe(true);
  expect(judged.verifies(Buffer.from(`${message}00`, 'hex'), Buffer.from(signature, 'hex'))).toBe(false);
  const ours = ed25519Key(Buffer.from(secret, 'hex'));
  expect(ours.public.keyval).toEqual({ public: publicKey });
  expect(Buffer.from(ours.sign(Buffer.from(message, 'hex'))).toString('hex')).toBe(signature);
});

describe('what does not fit together counts for nothing', () => {
  const p256 = () => kinds['ecdsa P-256 PEM']?.() ?? expect.fail();
  const p384 = () => kinds['ecdsa P-384 PEM']?.() ?? expect.fail();
  const p256hex = () => kinds['ecdsa P-256 hex']?.() ?? expect.fail();
  const rsa = () => kinds['rsassa-pss-sha256']?.() ?? expect.fail();
  const pkcs1 = () => kinds['rsa-pkcs1v15-sha256']?.() ?? expect.fail();
  const pemOf = (publicKey: KeyObject) => String(publicKey.export({ type: 'spki', format: 'pem' }));

  const cases: readonly (readonly [string, () => readonly [SigningKey, Parameters<typeof read>[1]]])[] = [
    ['an unknown key type', () => [key('kind'), { keytype: 'ml-dsa' }]],
    ['an unknown scheme', () => [key('kind'), { scheme: 'ed448' }]],
    ['sigstore-oidc', () => [key('kind'), { keytype: 'sigstore-oidc', scheme: 'Fulcio' }]],
    ['rsa-x509, a notary type', () => [rsa(), { keytype: 'rsa-x509' }]],
    ['ecdsa-x509, a notary type', () => [p256(), { keytype: 'ecdsa-x509' }]],
    ['an Ed25519 key called ecdsa', () => [key('kind'), { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256' }]],
    ['a P-384 key under nistp256', () => [p384(), { scheme: 'ecdsa-sha2-nistp256' }]],
    ['a P-256 key under nistp384', () => [p256(), { scheme: 'ecdsa-sha2-nistp384' }]],
    ['a P-256 key of key type ecdsa-sha2-nistp384', () => [p256(), { keytype: 'ecdsa-sha2-nistp384' }]],
    ['an ECDSA scheme under key type rsa', () => [p256(), { keytype: 'rsa' }]],
    ['an RSA scheme under key type ecdsa', () => [rsa(), { keytype: 'ecdsa' }]],
    ['an RSA key under an ECDSA scheme', () => [rsa(), { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256' }]],
    ['an ECDSA key under an RSA scheme', () => [p256(), { keytype: 'rsa', scheme: 'rsassa-pss-sha256' }]],
    ['a PKCS#1 v1.5 scheme under key type ecdsa', () => [pkcs1(), { keytype: 'ecdsa' }]],
    ['a PKCS#1 v1.5 scheme of another hash', () => [pkcs1(), { scheme: 'rsa-pkcs1v15-sha224' }]],
    ['PKCS#1 v1.5 with 1024 bits', () => [rsaKey({ bits: 1024, listed: 'pkcs1', padding: 'pkcs1' }), {}]],
    ['an RSA key under an ML-DSA scheme', () => [rsa(), { keytype: 'ml-dsa', scheme: 'ml-dsa-44/1' }]],
    ['a scheme named as an object member', () => [key('kind'), { scheme: 'constructor' }]],
    ['an Ed25519 key of 31 bytes', () => [key('kind'), { publicKey: 'aa'.repeat(31) }]],
    ['an Ed25519 key of 33 bytes', () => [key('kind'), { publicKey: 'aa'.repeat(33) }]],
    ['an Ed25519 key that is not hex', () => [key('kind'), { publicKey: 'z'.repeat(64) }]],
    ['an empty key', () => [key('kind'), { publicKey: '' }]],
    [
      'an ECDSA point cut short',
      () => [p256hex(), { publicKey: String(p256hex().public.keyval['public']).slice(0, -2) }],
    ],
    [
      'an ECDSA point with something behind it',
      () => [p256hex(), { publicKey: `${String(p256hex().public.keyval['public'])}00` }],
    ],
    ...(['06', '07'] as const).map(
      (form) =>
        [
          `an ECDSA point in hybrid form ${form}, a second spelling of one key`,
          () => [p256hex(), { publicKey: form + String(p256hex().public.keyval['public']).slice(2) }] as const,
        ] as const,
    ),
    ['an ECDSA point off the curve', () => [p256hex(), { publicKey: `04${'11'.repeat(64)}` }]],
    [
      'a PEM that is none',
      () => [p256(), { publicKey: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n' }],
    ],
    ['an empty PEM', () => [rsa(), { publicKey: '-----BEGIN PUBLIC KEY-----' }]],
    [
      'secp256k1 under nistp256',
      () => [p256(), { publicKey: pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey) }],
    ],
    ['RSA of 1024 bits', () => [rsaKey({ bits: 1024 }), {}]],
    [
      'RSA so large that checking it would be the attack',
      () => [
        rsa(),
        { publicKey: pemOf(createPublicKey({ key: { kty: 'RSA', n: 'w'.repeat(4000), e: 'AQAB' }, format: 'jwk' })) },
      ],
    ],
    [
      'an RSA key whose own type is PSS',
      () => [
        rsa(),
        {
          publicKey: pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey),
        },
      ],
    ],
  ];
  it.each(cases)('%s', (_, make) => {
    const [signing, changes] = make();
    const judged = read(signing, changes);
    expect(judged.material).toBeUndefined();
    expect(judged.verifies(MESSAGE, signing.sign(MESSAGE))).toBe(false);
  });

  it('a key without a public part', () => {
    const judged = createKey({
      keyid: 'k',
      keytype: 'sigstore-oidc',
      scheme: 'Fulcio',
      publicKey: undefined,
      saysOnline: false,
    });
    expect(judged.material).toBeUndefined();
    expect(judged.verifies(MESSAGE, Buffer.alloc(64))).toBe(false);
  });

  it('a PKCS#1 v1.5 signature under a PSS scheme (go-tuf 830edf8)', () => {
    const signing = rsaKey({ padding: 'pkcs1' });
    expect(read(signing).verifies(MESSAGE, signing.sign(MESSAGE))).toBe(false);
  });

  it('a PSS signature under a PKCS#1 v1.5 scheme', () => {
    const signing = rsaKey({ listed: 'pkcs1', padding: 'pss' });
    expect(read(signing).verifies(MESSAGE, signing.sign(MESSAGE))).toBe(false);
  });

  it.each(['sha384', 'sha512'] as const)('a PKCS#1 v1.5 signature with %s where the scheme says sha256', (digest) => {
    const signing = rsaKey({ digest, listed: 'pkcs1', padding: 'pkcs1' });
    expect(read(signing, { scheme: 'rsa-pkcs1v15-sha256' }).verifies(MESSAGE, signing.sign(MESSAGE))).toBe(false);
  });

  it('a PSS signature with another hash than the scheme says', () => {
    const signing = rsaKey({ digest: 'sha512' });
    expect(read(signing, { scheme: 'rsassa-pss-sha256' }).verifies(MESSAGE, signing.sign(MESSAGE))).toBe(false);
  });

  it('an ECDSA signature in raw form, not DER', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signing = ecdsaKey({ curve: 'P-256', secret: privateKey });
    expect(read(signing).verifies(MESSAGE, signing.sign(MESSAGE))).toBe(true);
    const raw = signBytes('sha256', MESSAGE, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    expect(read(signing).verifies(MESSAGE, raw)).toBe(false);
  });

  it('an Ed25519 key of small order signs nothing (zip215 would let it)', () => {
    // The identity point: with R the identity and S zero, lenient verifiers accept any message.
    const identity = `01${'00'.repeat(31)}`;
    const judged = createKey({
      keyid: 'k',
      keytype: 'ed25519',
      scheme: 'ed25519',
      publicKey: identity,
      saysOnline: false,
    });
    expect(judged.verifies(MESSAGE, Buffer.from(identity + '00'.repeat(32), 'hex'))).toBe(false);
  });
});

/** Made by securesystemslib 1.6.0, which python-tuf verifies with. */
const VECTOR = JSON.parse(readFileSync(new URL('../../data/ml-dsa-44.json', import.meta.url), 'utf8')) as Readonly<
  Record<'keytype' | 'scheme' | 'public' | 'sig' | 'message', string>
>;
const mlDsaOf = (changes: Partial<typeof VECTOR> = {}) => {
  const { keytype, scheme, public: publicKey } = { ...VECTOR, ...changes };
  return createKey({ keyid: 'k', keytype, scheme, publicKey, saysOnline: false });
};

describe.runIf(requirePart('a node with ML-DSA', hasMlDsa() || undefined))(
  'ML-DSA (TAP 21), where this node has it',
  () => {
    const signature = Buffer.from(VECTOR.sig, 'hex');

    it('a signature that another implementation made holds', () => {
      expect(mlDsaOf().verifies(Buffer.from(VECTOR.message), signature)).toBe(true);
      expect(mlDsaOf().notUnderstood).toBeUndefined();
    });

    it.each([
      ['the parameters alone', { scheme: 'ml-dsa-44' }],
      ['another version', { scheme: 'ml-dsa-44/2' }],
      ['a version with a zero before it', { scheme: 'ml-dsa-44/01' }],
      ['other parameters than the key has', { scheme: 'ml-dsa-65/1' }],
      ['the scheme as key type', { keytype: 'ml-dsa-44' }],
    ])('a key listed with %s counts for nothing', (_, changes) => {
      expect(mlDsaOf(changes).material).toBeUndefined();
      expect(mlDsaOf(changes).verifies(Buffer.from(VECTOR.message), signature)).toBe(false);
    });

    it('a signature over the document itself, or under a context, does not hold', () => {
      const { privateKey } = generateKeyPairSync('ml-dsa-44');
      const judged = read(mlDsaKey({ parameters: 44, secret: privateKey }));
      expect(judged.verifies(MESSAGE, signBytes(null, MESSAGE, privateKey))).toBe(false);
      const payload = Buffer.concat([Buffer.from('tuf\u0001'), createHash('sha512').update(MESSAGE).digest()]);
      expect(judged.verifies(MESSAGE, signBytes(null, payload, privateKey))).toBe(true);
      expect(judged.verifies(MESSAGE, signBytes(null, payload, { key: privateKey, context: Buffer.from('tuf') }))).toBe(
        false,
      );
    });
  },
);

const old = await node22();

describe.runIf(requirePart('node 22', old))('ML-DSA, on a node that does not have it', () => {
  it('such a key counts for nothing, and says what it needs', async () => {
    const schemes = new URL('../../../src/tuf/keys.ts', import.meta.url).href;
    const { keytype, scheme, public: publicKey } = VECTOR;
    const given = JSON.stringify({ keyid: 'k', keytype, scheme, publicKey, saysOnline: false });
    const script = `const { createKey } = await import(${JSON.stringify(schemes)});
const { material, notUnderstood } = createKey(${given});
console.log(JSON.stringify({ material: material === undefined, notUnderstood }));`;
    const { stdout } = await promisify(execFile)(old ?? '', ['--input-type=module', '--eval', script]);
    expect(JSON.parse(stdout)).toEqual({ material: true, notUnderstood: 'ml-dsa-44/1 (needs node 24 or later)' });
  });
});

describe('PSS salts', () => {
  it.each([0, 20, 32, 64, 222])('a salt of %i bytes is accepted, as the norm leaves it open', (saltLength) => {
    const signing = rsaKey({ saltLength });
    expect(read(signing).verifies(MESSAGE, signing.sign(MESSAGE))).toBe(true);
  });
});

describe('one key is one key, however it is written (GHSA-3633-5h82-39pq)', () => {
  const secret = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pem = ecdsaKey({ curve: 'P-256', secret });
  const hex = ecdsaKey({ curve: 'P-256', secret, form: 'hex' });
  const point = String(hex.public.keyval['public']);
  const text = String(pem.public.keyval['public']);

  /** An SPKI of the same point, spelled by hand. */
  function spki(prefix: string, spelled: string): string {
    const der = Buffer.from(prefix + spelled, 'hex').toString('base64');
    return `-----BEGIN PUBLIC KEY-----\n${der.replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END PUBLIC KEY-----\n`;
  }
  const isOdd = Number.parseInt(point.slice(-1), 16) % 2;
  const compressed = spki('3039301306072a8648ce3d020106082a8648ce3d030107032200', `0${2 + isOdd}${point.slice(2, 66)}`);
  const hybrid = spki('3059301306072a8648ce3d020106082a8648ce3d030107034200', `0${6 + isOdd}${point.slice(2)}`);
  const explicit = spki(
    `3082014b3082010306072a8648ce3d02013081f7020101302c06072a8648ce3d0101022100ffffffff00000001000000000000000000000000ffffffffffffffffffffffff305b0420ffffffff00000001000000000000000000000000fffffffffffffffffffffffc04205ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b031500c49d360886e704936a6678e1139d26b7819f7e900441046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551020101034200`,
    point,
  );

  it.each<[string, SigningKey]>([
    ['a hex point', hex],
    ['an upper-case hex point', disguise(hex, { keyval: { public: `04${point.slice(2).toUpperCase()}` } })],
    ['the older key type', disguise(pem, { keytype: 'ecdsa-sha2-nistp256' })],
    ['an extra member', disguise(pem, { 'x-note': 'another' })],
    ['CRLF and blanks in the PEM', disguise(pem, { keyval: { public: `\n${text.replaceAll('\n', '\r\n')}\n\n` } })],
    ['a compressed point', disguise(pem, { keyval: { public: compressed } })],
    ['a hybrid point', disguise(pem, { keyval: { public: hybrid } })],
    ['explicit curve parameters', disguise(pem, { keyval: { public: explicit } })],
  ])('%s', (_, other) => {
    expect(other.keyid).not.toBe(pem.keyid);
    expect(read(other).material).toBe(read(pem).material);
    expect(read(other).verifies(MESSAGE, pem.sign(MESSAGE))).toBe(true);
  });

  it('RSA: PSS and PKCS#1 v1.5 of one key', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const [pss, pkcs1] = [rsaKey({ secret: privateKey }), rsaKey({ secret: privateKey, listed: 'pkcs1' })];
    expect(read(pkcs1).material).toBe(read(pss).material);
  });

  it('RSA: two schemes of one key, and PKCS#1 beside SPKI', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const first = rsaKey({ secret: rsa.privateKey });
    const second = rsaKey({ secret: rsa.privateKey, digest: 'sha512' });
    const pkcs1 = disguise(first, {
      keyval: { public: String(rsa.publicKey.export({ type: 'pkcs1', format: 'pem' })) },
    });
    expect(read(second).material).toBe(read(first).material);
    expect(read(pkcs1).material).toBe(read(first).material);
  });

  it('RSA: one modulus under two exponents', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = rsa.publicKey.export({ format: 'jwk' });
    const twin = createPublicKey({ key: { ...jwk, e: Buffer.from([3]).toString('base64url') }, format: 'jwk' });
    const first = rsaKey({ secret: rsa.privateKey });
    expect(read(first, { publicKey: String(twin.export({ type: 'spki', format: 'pem' })) }).material).toBe(
      read(first).material,
    );
  });

  it('Ed25519 in upper case', () => {
    const signing = key('kind');
    const upper = read(signing, { publicKey: String(signing.public.keyval['public']).toUpperCase() });
    expect(upper.material).toBe(read(signing).material);
  });

  it('different keys are different', () => {
    expect(read(key('one')).material).not.toBe(read(key('two')).material);
    expect(read(ecdsaKey({ curve: 'P-256' })).material).not.toBe(read(pem).material);
  });
});
