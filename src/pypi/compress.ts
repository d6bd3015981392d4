import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';

const gzipAsync = promisify(gzip);
const zstdAsync = promisify(zstdCompress);

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
