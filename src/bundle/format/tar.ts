import { Refusal } from '../../bytes/refusal.ts';
import { LIMITS } from './limits.ts';

// POSIX ustar, of which pax is an extension that is not needed here: regular files alone, with short names and a size below 8 GiB.
// Everything in a header but its name and size is fixed, so that a reader which knows both knows all 512 bytes: links, devices,
// sparse files, owners, long names and sizes in other numbers are refused by one comparison.

export const BLOCK = 512;
const NAME_BYTES = 100;
const SIZE_AT = 124;
const SIZE_DIGITS = 11;
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;

/** What ends an archive. */
export const TAR_END: Uint8Array = Buffer.alloc(2 * BLOCK);

/** The header of a regular file: `0444`, owner 0, time 0. */
export function tarHeader(name: string, size: number): Buffer {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._/-]*$/.test(name) || name.length > NAME_BYTES)
    throw new TypeError('no name of a member');
  if (!Number.isSafeInteger(size) || size < 0 || size > LIMITS.member)
    throw new Refusal('limit', `A member of a bundle has at most ${LIMITS.member} bytes.`);
  const block = Buffer.from(FIXED);
  block.write(name, 0, 'latin1');
  block.write(size.toString(8).padStart(SIZE_DIGITS, '0'), SIZE_AT, 'latin1');
  const sum = FIXED_SUM + sumOf(block, 0, name.length) + sumOf(block, SIZE_AT, SIZE_AT + SIZE_DIGITS);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM_AT, 'latin1');
  return block;
}

/** A header without its name and size; its checksum counts as blanks. */
const FIXED = fixedHeader();
const FIXED_SUM = sumOf(FIXED, 0, BLOCK);

function fixedHeader(): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write('0000444\x000000000\x000000000\0', 100, 'latin1');
  block.write('00000000000\0', 136, 'latin1');
  block.write(' '.repeat(CHECKSUM_BYTES), CHECKSUM_AT, 'latin1');
  block.write('0ustar\x0000', 156, 'latin1');
  block.write('0000000\x000000000\0', 329, 'latin1');
  return block;
}

function sumOf(block: Buffer, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at++) sum += block[at] ?? 0;
  return sum;
}

/** The size that a header of this name states. Throws `format` where it is any other header. */
export function sizeInHeader(block: Uint8Array, name: string, most: number): number {
  const digits = Buffer.from(block.subarray(SIZE_AT, SIZE_AT + SIZE_DIGITS)).toString('latin1');
  const size = /^[0-7]{11}$/.test(digits) ? Number.parseInt(digits, 8) : -1;
  if (size < 0 || !tarHeader(name, size).equals(block))
    throw new Refusal('format', `This is no bundle: where ${name} should begin lies something else.`);
  if (size > most) throw new Refusal('limit', `${name} has ${size} bytes; at most ${most} are accepted.`);
  return size;
}

/** Bytes that a member of this size takes, its header and what fills its last block included. */
export function memberBytes(size: number): number {
  return BLOCK + size + padding(size);
}

/** Zero bytes behind a content of this size. */
export function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
