import { createHash } from 'node:crypto';
import { Refusal } from './refusal.ts';

/** Digest algorithms that may vouch for a file, by their TUF and PEP 691 names. */
export const ALGORITHMS = ['sha256', 'sha384', 'sha512', 'blake2b-256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

const HEX_LENGTH: Readonly<Record<Algorithm, number>> = { sha256: 64, sha384: 96, sha512: 128, 'blake2b-256': 64 };

/** Lower-case hex by algorithm, in the order the document listed them; never empty where it is expected of bytes. */
export type Digests = ReadonlyMap<Algorithm, string>;

/** What a document states of some bytes. `length` is exact, in bytes; absent where nobody stated it. */
export interface Statement {
  readonly length?: number | undefined;
  readonly digests: Digests;
}

export function isAlgorithm(name: string): name is Algorithm {
  return (ALGORITHMS as readonly string[]).includes(name);
}

/** Exact lower-case hex of the algorithm's size; anything else has no second identity here. */
export function isDigest(algorithm: Algorithm, hex: string): boolean {
  return hex.length === HEX_LENGTH[algorithm] && /^[0-9a-f]+$/.test(hex);
}

/**
 * The known digests of a listing; unknown names beside them are ignored, a malformed known one refuses (`format`),
 * none known refuses (`algorithm`).
 */
export function knownDigests(listed: Iterable<readonly [string, unknown]>): Digests {
  const known = new Map<Algorithm, string>();
  for (const [name, hex] of listed) if (isAlgorithm(name)) known.set(name, usableHex(name, hex));
  if (known.size === 0) throw noKnownDigest();
  return known;
}

/** The same judgement without the Map, for listings of tens of thousands of which few are ever used. */
export function refuseUnknownDigests(listed: { forEach(visit: (hex: unknown, name: string) => void): void }): void {
  let known = 0;
  listed.forEach((hex, name) => {
    if (!isAlgorithm(name)) return;
    usableHex(name, hex);
    known++;
  });
  if (known === 0) throw noKnownDigest();
}

function usableHex(algorithm: Algorithm, hex: unknown): string {
  if (typeof hex !== 'string' || !isDigest(algorithm, hex))
    throw new Refusal('format', `The ${algorithm} digest is not lower-case hex of its size.`);
  return hex;
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

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
