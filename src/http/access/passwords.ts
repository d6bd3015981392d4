import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { MAX_PASSWORD, MAX_SCRYPT_BYTES } from '../limits.ts';

/** What is kept of a password: enough to recognise it, not to know it. */
export interface PasswordHash {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallel: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

// OWASP's advice for scrypt, in 32 MiB and about a tenth of a second.
const COST = 2 ** 15;
const BLOCK_SIZE = 8;
const PARALLEL = 3;
const HASH_BYTES = 32;

const WRITTEN = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9_-]{16,88})\$([A-Za-z0-9_-]{43,86})$/;

/** `scrypt$N$r$p$SALT$HASH` as `hashPassword` wrote it; undefined for anything else, or what would take too much to check. */
export function readPasswordHash(text: string): PasswordHash | undefined {
  const [, cost, blockSize, parallel, salt, hash] = WRITTEN.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const read = { cost: Number(cost), blockSize: Number(blockSize), parallel: Number(parallel) };
  const isPowerOfTwo = read.cost > 1 && Number.isInteger(Math.log2(read.cost));
  if (!isPowerOfTwo || read.blockSize < 1 || read.parallel < 1 || read.parallel > 16) return undefined;
  if (128 * read.cost * read.blockSize > MAX_SCRYPT_BYTES) return undefined;
  return { ...read, salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') };
}

/** The line's part after the name, for a file of users. */
export async function hashPassword(password: string): Promise<string> {
  const made = { cost: COST, blockSize: BLOCK_SIZE, parallel: PARALLEL, salt: randomBytes(16) };
  const hash = await derive(password, { ...made, hash: Buffer.alloc(HASH_BYTES) });
  return ['scrypt', COST, BLOCK_SIZE, PARALLEL, made.salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Takes the same time whether it holds or not. */
export async function passwordHolds(password: string, known: PasswordHash): Promise<boolean> {
  if (password.length > MAX_PASSWORD) return false;
  return timingSafeEqual(await derive(password, known), known.hash);
}

/** What no password is known to have, as dear to check as `like`: time does not tell which names there are. */
export function nobody(like: PasswordHash): PasswordHash {
  return { ...like, salt: randomBytes(like.salt.length), hash: randomBytes(like.hash.length) };
}

function derive(password: string, { cost, blockSize, parallel, salt, hash }: PasswordHash): Promise<Buffer> {
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
