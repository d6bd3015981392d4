import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { MAX_BCRYPT_COST, MAX_PASSWORD, MAX_SCRYPT_BYTES } from '../limits.ts';

/** What is kept of a password: enough to recognise it, not to know it. */
export type PasswordHash = ScryptHash | BcryptHash;

interface ScryptHash {
  readonly kind: 'scrypt';
  readonly cost: number;
  readonly blockSize: number;
  readonly parallel: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

interface BcryptHash {
  readonly kind: 'bcrypt';
  /** As htpasswd writes it: `$2y$COST$`, 22 characters of salt and 31 of hash. */
  readonly encoded: string;
}

/** Whether a password is what bcrypt made `encoded` of. Never on the event loop: it takes up to seconds of CPU. */
export type CheckBcrypt = (password: string, encoded: string) => Promise<boolean>;

// OWASP's advice for scrypt, in 32 MiB and about a tenth of a second.
const COST = 2 ** 15;
const BLOCK_SIZE = 8;
const PARALLEL = 3;
const HASH_BYTES = 32;

const WRITTEN = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9_-]{16,88})\$([A-Za-z0-9_-]{43,86})$/;
/** 2x is a flawed bcrypt of long ago, under a name of its own. */
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const LEAST_BCRYPT_COST = 4;

/**
 * `scrypt$N$r$p$SALT$HASH` as `hashPassword` wrote it, or bcrypt's `$2y$…` as `htpasswd -B` did; undefined for anything else, or
 * what would take too much to check.
 */
export function readPasswordHash(text: string): PasswordHash | undefined {
  const bcryptCost = BCRYPT.exec(text)?.[1];
  if (bcryptCost !== undefined) {
    const isFair = Number(bcryptCost) >= LEAST_BCRYPT_COST && Number(bcryptCost) <= MAX_BCRYPT_COST;
    return isFair ? { kind: 'bcrypt', encoded: text } : undefined;
  }
  const [, cost, blockSize, parallel, salt, hash] = WRITTEN.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const read = { cost: Number(cost), blockSize: Number(blockSize), parallel: Number(parallel) };
  const isPowerOfTwo = read.cost > 1 && Number.isInteger(Math.log2(read.cost));
  if (!isPowerOfTwo || read.blockSize < 1 || read.parallel < 1 || read.parallel > 16) return undefined;
  if (128 * read.cost * read.blockSize > MAX_SCRYPT_BYTES) return undefined;
  return { kind: 'scrypt', ...read, salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') };
}

/** Of a hash that `readPasswordHash` does not take: what it is, and why it is not taken. Repeats nothing of it. */
export function whyNoHash(text: string): string {
  if (/^\$2[aby]\$/.test(text))
    return BCRYPT.test(text)
      ? `bcrypt of a cost that is not between ${LEAST_BCRYPT_COST} and ${MAX_BCRYPT_COST}`
      : 'bcrypt that is not whole';
  if (text.startsWith('$apr1$') || text.startsWith('$1$')) return 'MD5, which is guessed too quickly';
  if (/^\{S?SHA\}/.test(text)) return 'SHA-1, which is guessed too quickly';
  if (/^\$[0-9a-z]+\$/.test(text)) return 'a kind of crypt that is not read';
  if (text.startsWith('scrypt$')) return 'scrypt that is not whole, or asks for too much memory';
  return 'a password as it is, or the old crypt, which is guessed at once';
}

/** The line's part after the name, for a file of users. */
export async function hashPassword(password: string): Promise<string> {
  const made = { cost: COST, blockSize: BLOCK_SIZE, parallel: PARALLEL, salt: randomBytes(16) };
  const hash = await derive(password, { kind: 'scrypt', ...made, hash: Buffer.alloc(HASH_BYTES) });
  return ['scrypt', COST, BLOCK_SIZE, PARALLEL, made.salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Takes the same time whether it holds or not. */
export async function passwordHolds(password: string, known: PasswordHash, bcrypt: CheckBcrypt): Promise<boolean> {
  if (password.length > MAX_PASSWORD) return false;
  // RFC 7617 §2.1 (RFC 8265): a letter with its accent is one, however it was typed.
  if (known.kind === 'bcrypt') return bcrypt(password.normalize('NFC'), known.encoded);
  return timingSafeEqual(await derive(password, known), known.hash);
}

/** What no password is known to have, as dear to check as `like`: time does not tell which names there are. */
export function nobody(like: PasswordHash): PasswordHash {
  if (like.kind === 'scrypt')
    return { ...like, salt: randomBytes(like.salt.length), hash: randomBytes(like.hash.length) };
  return { kind: 'bcrypt', encoded: like.encoded.slice(0, -BCRYPT_HASH) + unguessable(BCRYPT_HASH) };
}

/** Characters of the hash at the end of what bcrypt writes. */
const BCRYPT_HASH = 31;
const BCRYPT_ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function unguessable(length: number): string {
  return [...randomBytes(length)].map((byte) => BCRYPT_ALPHABET[byte % BCRYPT_ALPHABET.length]).join('');
}

function derive(password: string, { cost, blockSize, parallel, salt, hash }: ScryptHash): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    scrypt(
      password.normalize('NFC'),
      salt,
      hash.length,
      { cost, blockSize, parallelization: parallel, maxmem: 2 * MAX_SCRYPT_BYTES },
      (error, derived) => (error === null ? resolve(derived) : reject(error)),
    ),
  );
}
