import { createHash } from 'node:crypto';
import type { Authority } from '../../src/repository/documents.ts';
import { ecdsaKey, ed25519Key, mlDsaKey, rsaKey, type SigningKey } from '../../src/repository/signing-keys.ts';
import { hasMlDsa } from '../../src/tuf/schemes/ml-dsa.ts';

const made = new Map<string, SigningKey>();

function once(name: string, make: () => SigningKey): SigningKey {
  const key = made.get(name) ?? make();
  made.set(name, key);
  return key;
}

/** The Ed25519 key of that name: the same in every run. */
export function key(name: string): SigningKey {
  return once(name, () => ed25519Key(createHash('sha256').update(`verbatim test key ${name}`).digest()));
}

/** A role held by named Ed25519 keys; all must sign unless a threshold is given. */
export function authority(names: readonly string[], threshold: number = names.length): Authority {
  return { keys: names.map(key), threshold };
}

/** A role held by the given keys. */
export function heldBy(keys: readonly SigningKey[], threshold: number = keys.length): Authority {
  return { keys, threshold };
}

const PKCS1 = { padding: 'pkcs1', listed: 'pkcs1' } as const;

/** One key of each kind that this node can check; slow kinds are made once a worker. */
export const kinds: Readonly<Record<string, () => SigningKey>> = {
  ed25519: () => key('kind'),
  'ecdsa P-256 PEM': () => once('p256', () => ecdsaKey({ curve: 'P-256' })),
  'ecdsa P-256 hex': () => once('p256 hex', () => ecdsaKey({ curve: 'P-256', form: 'hex' })),
  'ecdsa-sha2-nistp256 PEM': () => once('p256 named', () => ecdsaKey({ curve: 'P-256', keytype: 'named' })),
  'ecdsa-sha2-nistp256 hex': () =>
    once('p256 named hex', () => ecdsaKey({ curve: 'P-256', keytype: 'named', form: 'hex' })),
  'ecdsa P-384 PEM': () => once('p384', () => ecdsaKey({ curve: 'P-384' })),
  'ecdsa P-384 hex': () => once('p384 hex', () => ecdsaKey({ curve: 'P-384', form: 'hex' })),
  'ecdsa-sha2-nistp384 PEM': () => once('p384 named', () => ecdsaKey({ curve: 'P-384', keytype: 'named' })),
  'ecdsa-sha2-nistp384 hex': () =>
    once('p384 named hex', () => ecdsaKey({ curve: 'P-384', keytype: 'named', form: 'hex' })),
  'rsassa-pss-sha256': () => once('rsa 256', () => rsaKey()),
  'rsassa-pss-sha384': () => once('rsa 384', () => rsaKey({ digest: 'sha384' })),
  'rsassa-pss-sha512': () => once('rsa 512', () => rsaKey({ digest: 'sha512' })),
  'rsa-pkcs1v15-sha256': () => once('pkcs1 256', () => rsaKey({ ...PKCS1 })),
  'rsa-pkcs1v15-sha384': () => once('pkcs1 384', () => rsaKey({ ...PKCS1, digest: 'sha384' })),
  'rsa-pkcs1v15-sha512': () => once('pkcs1 512', () => rsaKey({ ...PKCS1, digest: 'sha512' })),
  ...(hasMlDsa() && {
    'ml-dsa-44/1': () => once('ml-dsa-44', () => mlDsaKey({ parameters: 44 })),
    'ml-dsa-65/1': () => once('ml-dsa-65', () => mlDsaKey({ parameters: 65 })),
    'ml-dsa-87/1': () => once('ml-dsa-87', () => mlDsaKey({ parameters: 87 })),
  }),
};
