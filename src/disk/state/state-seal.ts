import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { Refusal } from '../../bytes/refusal.ts';
import type { StateContents } from '../../ports/state-room.ts';
import { CONTENTS_BYTES, readContents, writeContents } from './contents.ts';

// What makes an index's state believable. Each version of an item has a digest over index, path, version and value, and with a
// seal key an HMAC of it. The head holds a multiset hash of all digests, which any change brings forward by one addition, and
// the epoch, which only goes up: so no row can be missing, older or one too many. With a seal key the hash is a sum of HMACs
// under a key of its own, and the head is encrypted: of two sums that can be read, a third is forged by their difference.

/** Keys of one data directory. KeyObjects: handing a Buffer to each HMAC costs five times as much. */
export interface SealKeys {
  readonly item: KeyObject;
  readonly sum: KeyObject;
  readonly head: KeyObject;
}

/** How much there is: goes up with each transaction, and the sum over every version of every item, modulo 2^256. */
export interface Head {
  readonly epoch: number;
  readonly sum: bigint;
  /** How much of what; undefined where it was not counted yet. */
  readonly contents?: StateContents | undefined;
}

/** A head that could not be opened: made without a key, under a key where none is given, or under another key (or damaged). */
export type NoHead = 'unsealed' | 'sealed' | 'wrong';

const LEAST_KEY_BYTES = 16;
const DIGEST_BYTES = 32;
const HEAD_BYTES = 8 + DIGEST_BYTES;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const UNSEALED = 0;
const SEALED = 1;
const MODULUS = 1n << 256n;

/** Throws Refusal `state` for a key too short to be one. */
export function sealKeysOf(sealKey: Uint8Array): SealKeys {
  if (sealKey.byteLength < LEAST_KEY_BYTES)
    throw new Refusal(
      'state',
      `The seal key has ${sealKey.byteLength} bytes; it needs at least ${LEAST_KEY_BYTES} that nobody can guess.`,
      { subject: 'state' },
    );
  const derived = (use: string) =>
    createSecretKey(createHmac('sha256', sealKey).update(`verbatim data directory: ${use}`).digest());
  return { item: derived('item of state'), sum: derived('sum of state'), head: derived('head of state') };
}

export function add(sum: bigint, part: bigint): bigint {
  return (sum + part) % MODULUS;
}

export function subtract(sum: bigint, part: bigint): bigint {
  return (sum - part + MODULUS) % MODULUS;
}

/** The seal of one index; without keys, plain SHA-256 that shows damage and no more. */
export class StateSeal {
  readonly #index: string;
  readonly #keys: SealKeys | undefined;

  constructor(index: string, keys: SealKeys | undefined) {
    this.#index = index;
    this.#keys = keys;
  }

  get keyed(): boolean {
    return this.#keys !== undefined;
  }

  /** Shows damage, whoever sealed it. */
  digest(path: string, version: number, value: Uint8Array): Uint8Array {
    return this.#hash(undefined, path, version, value);
  }

  /** Shows that we wrote it; empty without a key. */
  seal(digest: Uint8Array): Uint8Array {
    return this.#keys === undefined ? new Uint8Array() : createHmac('sha256', this.#keys.item).update(digest).digest();
  }

  holds(path: string, version: number, value: Uint8Array, digest: Uint8Array, seal: Uint8Array): boolean {
    return isSame(digest, this.digest(path, version, value)) && isSame(seal, this.seal(digest));
  }

  /** What one version adds to the sum. */
  part(path: string, version: number, digest: Uint8Array): bigint {
    return BigInt(`0x${this.#hash(this.#keys?.sum, path, version, digest).toString('hex')}`);
  }

  closeHead({ epoch, sum, contents }: Head): Uint8Array {
    const counted = contents === undefined ? Buffer.alloc(0) : writeContents(contents);
    const plain = Buffer.concat([Buffer.alloc(HEAD_BYTES), counted]);
    plain.writeBigUInt64BE(BigInt(epoch));
    plain.write(sum.toString(16).padStart(2 * DIGEST_BYTES, '0'), 8, 'hex');
    if (this.#keys === undefined)
      return Buffer.concat([Buffer.of(UNSEALED), plain, this.#hash(undefined, '', 0, plain)]);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#keys.head, nonce);
    cipher.setAAD(Buffer.from(this.#index));
    return Buffer.concat([Buffer.of(SEALED), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  openHead(content: Uint8Array): Head | NoHead {
    const kind = content[0];
    const rest = Buffer.from(content.subarray(1));
    if (kind === UNSEALED) {
      const plain = rest.subarray(0, -DIGEST_BYTES);
      if (!isHead(plain) || !this.#hash(undefined, '', 0, plain).equals(rest.subarray(-DIGEST_BYTES))) return 'wrong';
      return this.#keys === undefined ? headOf(plain) : 'unsealed';
    }
    if (kind !== SEALED || !isHead(rest.subarray(NONCE_BYTES, -TAG_BYTES))) return 'wrong';
    if (this.#keys === undefined) return 'sealed';
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#keys.head, rest.subarray(0, NONCE_BYTES));
      decipher.setAAD(Buffer.from(this.#index));
      decipher.setAuthTag(rest.subarray(-TAG_BYTES));
      return headOf(Buffer.concat([decipher.update(rest.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]));
    } catch {
      return 'wrong';
    }
  }

  #hash(key: KeyObject | undefined, path: string, version: number, bytes: Uint8Array): Buffer {
    // JSON holds no raw line break, so the context ends where the bytes begin.
    const context = `${JSON.stringify([this.#index, path, version])}\n`;
    if (key !== undefined) return createHmac('sha256', key).update(context).update(bytes).digest();
    return hash('sha256', Buffer.concat([Buffer.from(context), bytes]), 'buffer');
  }
}

function isSame(one: Uint8Array, two: Uint8Array): boolean {
  return one.byteLength === two.byteLength && timingSafeEqual(one, two);
}

/** One that was written before anything was counted is shorter. */
function isHead({ byteLength }: Uint8Array): boolean {
  return byteLength === HEAD_BYTES || byteLength === HEAD_BYTES + CONTENTS_BYTES;
}

function headOf(plain: Buffer): Head | 'wrong' {
  const epoch = Number(plain.readBigUInt64BE());
  if (!Number.isSafeInteger(epoch)) return 'wrong';
  const sum = BigInt(`0x${plain.toString('hex', 8, HEAD_BYTES)}`);
  if (plain.byteLength === HEAD_BYTES) return { epoch, sum };
  const contents = readContents(plain.subarray(HEAD_BYTES));
  return contents === undefined ? 'wrong' : { epoch, sum, contents };
}
