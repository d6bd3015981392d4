import { randomBytes } from 'node:crypto';
import { makeAuthenticator } from '../../bytes/authentic.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import { PEER_BLOBS } from '../../ports/peers.ts';

/** Clocks of replicas may differ by so much. Milliseconds. */
export const WORD_SKEW_MS = 30_000;
/** Words remembered as used; that many are said in a minute by nobody but who has the key. */
const MOST_USED = 100_000;

const TIME_BYTES = 8;
const NONCE_BYTES = 16;
const MAC_BYTES = 32;
/** In base64url, which has no padding. */
const WORD = new RegExp(`^[A-Za-z0-9_-]{${Math.ceil(((MAC_BYTES + TIME_BYTES + NONCE_BYTES) * 8) / 6)}}$`);
const PATH = new RegExp(`^${PEER_BLOBS}[0-9a-f]{64}$`);

/**
 * By what replicas of a fleet know each other: a MAC under the seal key over method, path, time and a nonce. A word is good once, in
 * one process, for one path, for a moment.
 */
export class PeerWords {
  readonly #authenticator;
  readonly #nowMs: () => number;
  readonly #used = new BoundedMap<true>({ entries: MOST_USED });

  constructor(sealKey: Uint8Array, nowMs: () => number) {
    this.#authenticator = makeAuthenticator(sealKey, 'a replica asks for a file');
    this.#nowMs = nowMs;
  }

  /** For a GET of that path. */
  say(path: string): string {
    const said = Buffer.alloc(TIME_BYTES);
    said.writeBigUInt64BE(BigInt(this.#nowMs()));
    const sealed = this.#authenticator.seal(nameOf(path), Buffer.concat([said, randomBytes(NONCE_BYTES)]));
    return Buffer.from(sealed).toString('base64url');
  }

  /** The digest that a replica asks for; undefined for whatever else asks. */
  judge({ method, path, word }: { readonly method: unknown; readonly path: string; readonly word: unknown }) {
    if (method !== 'GET' || !PATH.test(path) || typeof word !== 'string' || !WORD.test(word)) return undefined;
    const opened = this.#authenticator.open(nameOf(path), Buffer.from(word, 'base64url'));
    if (opened === undefined) return undefined;
    const bytes = Buffer.from(opened.bytes);
    const isNow = Math.abs(Number(bytes.readBigUInt64BE()) - this.#nowMs()) <= WORD_SKEW_MS;
    // Any spelling of the same bytes is the same word.
    const nonce = bytes.toString('latin1');
    if (!isNow || this.#used.has(nonce)) return undefined;
    this.#used.set(nonce, true);
    return path.slice(PEER_BLOBS.length);
  }
}

/** Of a fixed length: the path has it. */
function nameOf(path: string): string {
  return `GET ${path}`;
}
