import { promisify } from 'node:util';
import { constants, gzip, inflateRaw, zstdCompress } from 'node:zlib';

const gzipAsync = promisify(gzip);
const zstdAsync = promisify(zstdCompress);
const inflateAsync = promisify(inflateRaw);

// Once a change, never a hit: past these levels a page gets slower to make and hardly smaller.
const GZIP_LEVEL = 6;
const ZSTD_LEVEL = 3;

/** The two codings of a body; a computation on zlib's own threads, no I/O. */
export async function compress(bytes: Uint8Array): Promise<{ readonly gzip: Buffer; readonly zstd: Buffer }> {
  const [gzipped, zstd] = await Promise.all([
    gzipAsync(bytes, { level: GZIP_LEVEL }),
    zstdAsync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }),
  ]);
  return { gzip: gzipped, zstd };
}

/** A zip member's content; undefined where it is not the size its directory states, or not deflated at all. */
export async function inflate(bytes: Uint8Array, size: number): Promise<Uint8Array | undefined> {
  try {
    const inflated = await inflateAsync(bytes, { maxOutputLength: Math.max(1, size) });
    return inflated.byteLength === size ? inflated : undefined;
  } catch {
    return undefined;
  }
}
