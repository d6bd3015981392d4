import { createHash } from 'node:crypto';
import { Refusal } from './refusal.ts';

/** Digest algorithms that may vouch for a file, by their TUF and PEP 691 names. */
export const ALGORITHMS = ['sha256', 'sha384', 'sha512', 'blake2b-256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

const NAMES: ReadonlySet<string> = new Set(ALGORITHMS);

const HEX_LENGTH: ReadonlyMap<string, number> = new Map<Algorithm, number>([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
  ['blake2b-256', 64],
]);

/** Lower-case hex by algorithm, in the order the document listed them; never empty where it is expected of bytes. */
export type Digests = ReadonlyMap<Algorithm, string>;

/** What a document states of some bytes. `length` is exact, in bytes; absent where nobody stated it. */
export interface Statement {
  readonly length?: number | undefined;
  readonly digests: Digests;
}

export function isAlgorithm(name: string): name is Algorithm {
  return NAMES.has(name);
}

/** Exact lower-case hex of a known algorithm's size; anything else has no second identity here. */
export function isDigest(algorithm: string, hex: string): algorithm is Algorithm {
  return hex.length === HEX_LENGTH.get(algorithm) && /^[0-9a-f]+$/.test(hex);
}

/**
 * The known digests of a signed listing; unknown names beside them are ignored. Refuses a malformed known one (`format`), and
 * where none is known (`algorithm`).
 */
export function knownDigests(listed: Iterable<readonly [string, unknown]>): Digests {
  const known = new Map<Algorithm, string>();
  for (const [name, hex] of listed) {
    if (!isAlgorithm(name)) continue;
    if (!isHexOf(name, hex)) throw malformed();
    known.set(name, hex);
  }
  if (known.size === 0) throw noKnownDigest();
  return known;
}

/** The judgement of `knownDigests` without the Map, for listings of tens of thousands of which few are ever used. */
export function refuseUnknownDigests(listed: { forEach(visit: (hex: unknown, name: string) => void): void }): void {
  let known = 0;
  listed.forEach((hex, name) => {
    if (!isAlgorithm(name)) return;
    if (!isHexOf(name, hex)) throw malformed();
    known++;
  });
  if (known === 0) throw noKnownDigest();
}

function isHexOf(algorithm: Algorithm, hex: unknown): hex is string {
  return typeof hex === 'string' && isDigest(algorithm, hex);
}

function malformed(): Refusal {
  return new Refusal('format', 'A listed digest is not lower-case hex of the size of its algorithm.');
}

function noKnownDigest(): Refusal {
  return new Refusal('algorithm', 'No digest of a known algorithm (sha256, sha384, sha512, blake2b-256) is listed.');
}

/** True where both name at least one common algorithm and agree on every common one. */
export function agree(a: Digests, b: Digests): boolean {
  let common = 0;
  for (const [algorithm, hex] of a) {
    const other = b.get(algorithm);
    if (other === undefined) continue;
    if (other !== hex) return false;
    common++;
  }
  return common > 0;
}

/** The same of bytes that are too many to be hashed at once. */
export function startSha256(): { update(bytes: Uint8Array): void; hex(): string } {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** MD5 and SHA-1 vouch for nothing; bytes that differ from one are other bytes all the same. */
export function startWeak(algorithm: 'md5' | 'sha1'): { update(bytes: Uint8Array): void; hex(): string } {
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
}
