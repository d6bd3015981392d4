import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';

const inflateAsync = promisify(inflateRaw);

/** A zip member's content; undefined where it is not the size its directory states, or not deflated at all. */
export async function inflate(bytes: Uint8Array, size: number): Promise<Uint8Array | undefined> {
  try {
    const inflated = await inflateAsync(bytes, { maxOutputLength: Math.max(1, size) });
    return inflated.byteLength === size ? inflated : undefined;
  } catch {
    return undefined;
  }
}
