import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';
import { FLOOR_MARK } from '../ports/state-room.ts';

// A value in its compact form: a mark that no other value begins with, then what it says, compressed.

const deflateAsync = promisify(deflateRaw);
const inflateAsync = promisify(inflateRaw);
/** Pages and digests shrink little more at a higher one, and a page of JSON shrinks to a fifth at it. */
const LEVEL = 3;
/** Up to so many plain bytes the way to zlib's threads and back takes three times as long as the work. */
const SMALL_BYTES = 64 * 1024;
/** And so many compressed ones, which may come to more: then they go to the threads all the same. */
const SMALL_COMPRESSED_BYTES = 16 * 1024;

export async function compress(bytes: Uint8Array): Promise<Uint8Array> {
  return Buffer.concat([Buffer.of(FLOOR_MARK), await deflate(bytes)]);
}

export function isCompressed(value: Uint8Array): boolean {
  return value[0] === FLOOR_MARK;
}

/** What was compressed; undefined for what is not whole, or comes to more than `most` bytes. */
export async function decompress(value: Uint8Array, most: number): Promise<Uint8Array | undefined> {
  return inflate(value.subarray(1), most);
}

export async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  return bytes.byteLength <= SMALL_BYTES
    ? deflateRawSync(bytes, { level: LEVEL })
    : deflateAsync(bytes, { level: LEVEL });
}

/** Undefined for what is not whole, or comes to more than `most` bytes. */
export async function inflate(bytes: Uint8Array, most: number): Promise<Uint8Array | undefined> {
  const maxOutputLength = Math.max(most, 1);
  const isSmall = most <= SMALL_BYTES || bytes.byteLength <= SMALL_COMPRESSED_BYTES;
  const here = isSmall ? inflateHere(bytes, Math.min(maxOutputLength, SMALL_BYTES)) : 'too-much';
  if (here !== 'too-much') return here;
  return most <= SMALL_BYTES ? undefined : inflateAsync(bytes, { maxOutputLength }).catch(() => undefined);
}

function inflateHere(bytes: Uint8Array, maxOutputLength: number): Uint8Array | 'too-much' | undefined {
  try {
    return inflateRawSync(bytes, { maxOutputLength });
  } catch (error) {
    return error instanceof RangeError ? 'too-much' : undefined;
  }
}
