import { createHash, timingSafeEqual } from 'node:crypto';
import { createBLAKE2b, type IHasher } from 'hash-wasm';
import { Refusal } from './refusal.ts';

/** Digest algorithms that may vouch for a file (DESIGN §5 "Digests"), by their TUF and PEP 691 names. */
export const ALGORITHMS = ['sha256', 'sha384', 'sha512', 'blake2b-256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

const HEX_LENGTH: Readonly<Record<Algorithm, number>> = { sha256: 64, sha384: 96, sha512: 128, 'blake2b-256': 64 };

/** Lower-case hex by algorithm, in the order the document listed them; never empty where it is expected of bytes. */
export type Digests = ReadonlyMap<Algorithm, string>;

/** What proved bytes must be. `length` is exact, in bytes; absent where nobody stated it. */
export interface Expected {
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

interface StreamHash {
  update(bytes: Uint8Array): void;
  hex(): string;
}

function nodeHash(name: string): StreamHash {
  const hash = createHash(name);
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    hex: () => hash.digest('hex'),
  };
}

// node:crypto lacks BLAKE2b-256 (OpenSSL offers 512 only). A WASM instance holds one running state: one instance a stream.
const idleBlake: IHasher[] = [await createBLAKE2b(256)];

async function newBlake(): Promise<void> {
  idleBlake.push(await createBLAKE2b(256));
}

function blakeHash(): StreamHash {
  const hash = idleBlake.pop();
  if (hash === undefined)
    throw new Error('no BLAKE2b instance was prepared: call createProver, or prove() outside a stream');
  hash.init();
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    hex: () => {
      const hex = hash.digest('hex');
      idleBlake.push(hash);
      return hex;
    },
  };
}

/** Hashes a stream by every algorithm of an expectation, and always by sha256, the store's address. */
export interface Prover {
  update(bytes: Uint8Array): void;
  readonly length: number;
  /** Ends the stream: every listed digest and the length must hold (`digest`, `length`). Returns the sha256. */
  finish(): string;
  /** Ends the stream without a verdict, for a download that failed. */
  abandon(): void;
}

function startProver(expected: Expected): Prover {
  if (expected.digests.size === 0) throw new Refusal('algorithm', 'Nothing is known to prove these bytes by.');
  const hashes = new Map<Algorithm, StreamHash>([['sha256', nodeHash('sha256')]]);
  for (const algorithm of expected.digests.keys()) {
    if (algorithm === 'sha256') continue;
    hashes.set(algorithm, algorithm === 'blake2b-256' ? blakeHash() : nodeHash(algorithm));
  }
  let length = 0;
  let ended: Map<Algorithm, string> | undefined;
  const end = () => {
    ended ??= new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.hex()]));
    return ended;
  };
  return {
    update(bytes) {
      length += bytes.byteLength;
      for (const hash of hashes.values()) hash.update(bytes);
    },
    get length() {
      return length;
    },
    finish() {
      const found = end();
      if (expected.length !== undefined && expected.length !== length)
        throw new Refusal('length', `Expected ${expected.length} bytes, got ${length}.`);
      for (const [algorithm, hex] of expected.digests) {
        const actual = found.get(algorithm);
        if (actual === undefined || !sameHex(actual, hex))
          throw new Refusal('digest', `Expected ${algorithm} ${hex}, got ${actual}.`);
      }
      return found.get('sha256') as string;
    },
    abandon() {
      end();
    },
  };
}

/** A prover for bytes that arrive over time. */
export async function createProver(expected: Expected): Promise<Prover> {
  if (expected.digests.has('blake2b-256') && idleBlake.length < 2) await newBlake();
  return startProver(expected);
}

/** Bytes that were proved against an expectation. Only `prove` makes one; never written to afterwards. */
export class Proven {
  readonly #proved = true;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Every digest that was computed over them, sha256 among them. */
  readonly digests: Digests;

  private constructor(bytes: Uint8Array, sha256: string, digests: Digests) {
    this.bytes = bytes;
    this.sha256 = sha256;
    this.digests = digests;
  }

  static is(value: unknown): value is Proven {
    return typeof value === 'object' && value !== null && #proved in value;
  }

  /** Checks length, then every listed digest; throws `length`, `digest` or `algorithm`. */
  static prove(bytes: Uint8Array, expected: Expected): Proven {
    if (expected.length !== undefined && bytes.byteLength !== expected.length)
      throw new Refusal('length', `Expected ${expected.length} bytes, got ${bytes.byteLength}.`);
    const prover = startProver(expected);
    prover.update(bytes);
    const sha256 = prover.finish();
    return new Proven(bytes, sha256, new Map([...expected.digests, ['sha256', sha256]]));
  }
}

export const prove = Proven.prove;

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function sameHex(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
