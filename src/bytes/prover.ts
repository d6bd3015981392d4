import { createHash, timingSafeEqual } from 'node:crypto';
import { createBLAKE2b, type IHasher } from 'hash-wasm';
import type { Algorithm, Digests, Statement } from './digest.ts';
import { Refusal } from './refusal.ts';

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

/** Hashes a stream by every algorithm of a statement, and always by sha256, the store's address. */
export interface Prover {
  update(bytes: Uint8Array): void;
  readonly length: number;
  /** Ends the stream: every listed digest and the length must hold (`digest`, `length`). Returns the sha256. */
  finish(): string;
  /** Ends the stream without a verdict, for a download that failed. */
  abandon(): void;
}

function startProver(stated: Statement): Prover {
  if (stated.digests.size === 0) throw new Refusal('algorithm', 'Nothing is known to prove these bytes by.');
  return startHashing(stated);
}

function startHashing(stated: Statement): Prover {
  const hashes = new Map<Algorithm, StreamHash>([['sha256', nodeHash('sha256')]]);
  for (const algorithm of stated.digests.keys()) {
    if (algorithm === 'sha256') continue;
    hashes.set(algorithm, algorithm === 'blake2b-256' ? blakeHash() : nodeHash(algorithm));
  }
  let length = 0;
  let ended: { readonly sha256: string; readonly found: Digests } | undefined;
  const end = () => {
    if (ended !== undefined) return ended;
    const found = new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.hex()]));
    ended = { sha256: found.get('sha256') ?? '', found };
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
      const { sha256, found } = end();
      if (stated.length !== undefined && stated.length !== length)
        throw new Refusal('length', `Expected ${stated.length} bytes, got ${length}.`);
      for (const [algorithm, hex] of stated.digests) {
        const actual = found.get(algorithm) ?? '';
        if (!sameHex(actual, hex)) throw new Refusal('digest', `Expected ${algorithm} ${hex}, got ${actual}.`);
      }
      return sha256;
    },
    abandon() {
      end();
    },
  };
}

/** A prover for bytes that arrive over time. */
export async function createProver(stated: Statement): Promise<Prover> {
  if (stated.digests.has('blake2b-256') && idleBlake.length < 2) await newBlake();
  return startProver(stated);
}

/**
 * Hashes a stream of which nobody states a digest: its end says what the sha256 is, and that the length holds where one is
 * stated. Who may import this: test/architecture/makers.ts.
 */
export async function createSightHasher(length: number | undefined): Promise<Prover> {
  return startHashing({ length, digests: new Map() });
}

/** Whole bytes against a statement; throws `length`, `digest` or `algorithm`. Returns the sha256. */
export function checkBytes(bytes: Uint8Array, stated: Statement): string {
  if (stated.length !== undefined && bytes.byteLength !== stated.length)
    throw new Refusal('length', `Expected ${stated.length} bytes, got ${bytes.byteLength}.`);
  const prover = startProver(stated);
  prover.update(bytes);
  return prover.finish();
}

function sameHex(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
