import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { FLOOR_MARK } from '../ports/state-room.ts';

// A value in its compact form: a mark that no other value begins with, then what it says, compressed.

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
/** Pages and digests shrink little more at a higher one. */
const LEVEL = 3;

export async function compress(bytes: Uint8Array): Promise<Uint8Array> {
  return Buffer.concat([Buffer.of(FLOOR_MARK), await deflate(bytes, { level: LEVEL })]);
}

export function isCompressed(value: Uint8Array): boolean {
  return value[0] === FLOOR_MARK;
}

/** What was compressed; undefined for what is not whole, or comes to more than `most` bytes. */
export async function decompress(value: Uint8Array, most: number): Promise<Uint8Array | undefined> {
  return inflate(value.subarray(1), { maxOutputLength: most }).catch(() => undefined);
}
