import { type Algorithm, type Digests, isAlgorithm, isDigest } from '../bytes/digest.ts';

// Digests as indexes write them: upper-case hex (PowerShell), `SHA256=`, `sha256-HEX`, `blake2b` for BLAKE2b-256. What is
// read is of one form, so that no digest has two identities behind this.

/** Digests that vouch for nothing, as anybody can make other bytes of the same: bytes that differ from one are wrong all the same. */
export const WEAK_ALGORITHMS = ['md5', 'sha1'] as const;
export type WeakAlgorithm = (typeof WEAK_ALGORITHMS)[number];
/** Lower-case hex. */
export type WeakDigests = ReadonlyMap<WeakAlgorithm, string>;

/** What a line of a page says of its bytes. */
export interface Written {
  readonly digests: Digests;
  readonly weak?: WeakDigests | undefined;
  /** Its BLAKE2b-256 is called `blake2b`, which is how uv reads it. */
  readonly blake2b?: true | undefined;
}

const WEAK_LENGTH: Readonly<Record<WeakAlgorithm, number>> = { md5: 32, sha1: 40 };
/** Nothing is stated. */
export const UNSTATED: Written = { digests: new Map() };

/** Undefined where a digest of a known algorithm is malformed, or two of one algorithm contradict each other. */
export function readWritten(listed: Iterable<readonly [string, unknown]>): Written | undefined {
  let known: Map<Algorithm, string> | undefined;
  let weak: Map<WeakAlgorithm, string> | undefined;
  let blake2b: true | undefined;
  for (const [written, value] of listed) {
    // A key without a value states nothing.
    if (value === null || value === '') continue;
    const hex = typeof value === 'string' ? value.toLowerCase() : '';
    const algorithm = algorithmOf(written, hex);
    if (algorithm !== undefined) {
      if (!isDigest(algorithm, hex) || (known?.get(algorithm) ?? hex) !== hex) return undefined;
      known ??= new Map();
      known.set(algorithm, hex);
      if (written.toLowerCase() === 'blake2b') blake2b = true;
    } else {
      const name = weakNameOf(written);
      if (name === undefined || !(hex.length === WEAK_LENGTH[name] && /^[0-9a-f]+$/.test(hex))) continue;
      if ((weak?.get(name) ?? hex) !== hex) return undefined;
      weak ??= new Map();
      weak.set(name, hex);
    }
  }
  return known === undefined && weak === undefined ? UNSTATED : { digests: known ?? UNSTATED.digests, weak, blake2b };
}

/** A URL's fragment: `sha256=HEX`, `sha256-HEX`, perhaps one of several parts. */
export function readFragment(fragment: string): Written | undefined {
  if (fragment === '') return UNSTATED;
  return readWritten(fragment.split('&').map(cutDigest));
}

/** Both together; undefined where they contradict each other. */
export function bothWritten(a: Written, b: Written): Written | undefined {
  if (b === UNSTATED) return a;
  const both = readWritten([a, b].flatMap(({ digests, weak }) => [...digests, ...(weak ?? [])]));
  return both && { ...both, blake2b: a.blake2b ?? b.blake2b };
}

/** `sha256=HEX` or `sha256-HEX` in two; what is neither states nothing. */
export function cutDigest(text: string): readonly [name: string, hex: string] {
  const equals = text.indexOf('=');
  if (equals !== -1) return [text.slice(0, equals), text.slice(equals + 1)];
  const dash = text.lastIndexOf('-');
  return dash === -1 ? ['', ''] : [text.slice(0, dash), text.slice(dash + 1)];
}

function algorithmOf(written: string, hex: string): Algorithm | undefined {
  if (isAlgorithm(written)) return written;
  const name = written.toLowerCase().replace(/^sha-/, 'sha').replace('_', '-');
  if (isAlgorithm(name)) return name;
  // hashlib's `blake2b` has 128 digits, and no entry here; whoever writes 64 means BLAKE2b-256.
  return name === 'blake2b' && hex.length === 64 ? 'blake2b-256' : undefined;
}

function weakNameOf(written: string): WeakAlgorithm | undefined {
  const name = written.toLowerCase().replace(/^sha-/, 'sha');
  return WEAK_ALGORITHMS.find((known) => known === name);
}
