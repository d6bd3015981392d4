import { ecdsa, P256, P384 } from './ecdsa.ts';
import { decodeEd25519 } from './ed25519.ts';
import { hasMlDsa, mlDsa } from './ml-dsa.ts';
import { rsaPkcs1, rsaPss } from './rsa.ts';
import type { DecodeKey } from './usable.ts';

interface Scheme {
  readonly keytypes: readonly string[];
  readonly decode: DecodeKey;
  /** False where this node's OpenSSL cannot check it. Undefined: every node can. */
  readonly isThere?: (() => boolean) | undefined;
}

/** TUF §4.2, TAP 21: the scheme selects algorithm, hash and curve. */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ['ed25519', { keytypes: ['ed25519'], decode: decodeEd25519 }],
  ['ecdsa-sha2-nistp256', { keytypes: ['ecdsa', 'ecdsa-sha2-nistp256'], decode: ecdsa(P256) }],
  ['ecdsa-sha2-nistp384', { keytypes: ['ecdsa', 'ecdsa-sha2-nistp384'], decode: ecdsa(P384) }],
  ['rsassa-pss-sha256', { keytypes: ['rsa'], decode: rsaPss('sha256') }],
  ['rsassa-pss-sha384', { keytypes: ['rsa'], decode: rsaPss('sha384') }],
  ['rsassa-pss-sha512', { keytypes: ['rsa'], decode: rsaPss('sha512') }],
  ['rsa-pkcs1v15-sha256', { keytypes: ['rsa'], decode: rsaPkcs1('sha256') }],
  ['rsa-pkcs1v15-sha384', { keytypes: ['rsa'], decode: rsaPkcs1('sha384') }],
  ['rsa-pkcs1v15-sha512', { keytypes: ['rsa'], decode: rsaPkcs1('sha512') }],
  ['ml-dsa-44/1', { keytypes: ['ml-dsa'], decode: mlDsa('ml-dsa-44'), isThere: hasMlDsa }],
  ['ml-dsa-65/1', { keytypes: ['ml-dsa'], decode: mlDsa('ml-dsa-65'), isThere: hasMlDsa }],
  ['ml-dsa-87/1', { keytypes: ['ml-dsa'], decode: mlDsa('ml-dsa-87'), isThere: hasMlDsa }],
]);

/** How a key of this type and scheme is decoded, or, for people, why no such key counts. */
export function schemeOf(keytype: string, scheme: string): DecodeKey | { readonly why: string } {
  const known = SCHEMES.get(scheme);
  if (known === undefined) return { why: scheme.slice(0, 80) };
  if (!known.keytypes.includes(keytype)) return { why: `${scheme} with the key type ${keytype.slice(0, 80)}` };
  if (known.isThere?.() === false) return { why: `${scheme} (needs node 24 or later)` };
  return known.decode;
}
