import { promisify } from 'node:util';
import { constants, createGunzip, gunzip, gunzipSync, gzip, gzipSync, zstdCompress, zstdCompressSync } from 'node:zlib';

/** Up to this size a body is compressed in a millisecond: the way to another thread and back takes as long. */
export const SMALL_BYTES = 64 * 1024;

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);
const zstdAsync = promisify(zstdCompress);

// Once a change, never a hit: past these levels a page gets slower to make and hardly smaller.
const USUAL = { gzip: 6, zstd: 3 };
/** A body of megabytes is nearly as small at half the time. */
const LARGE = { gzip: 1, zstd: 1 };
const LARGE_BYTES = 1024 * 1024;

function settings(bytes: Uint8Array) {
  const { gzip: level, zstd } = bytes.byteLength < LARGE_BYTES ? USUAL : LARGE;
  const params = { [constants.ZSTD_c_compressionLevel]: zstd };
  // Told the size, both ways of asking write the same bytes.
  return { gzip: { level }, zstd: { params, pledgedSrcSize: bytes.byteLength } };
}

/** The codings of a body beside the plain one. */
export interface Compressed {
  readonly gzip: Buffer;
  readonly zstd: Buffer;
}

/** On zlib's own threads, which files are read on too. */
export async function compress(bytes: Uint8Array): Promise<Compressed> {
  const { gzip: gzipped, zstd } = settings(bytes);
  const [a, b] = await Promise.all([gzipAsync(bytes, gzipped), zstdAsync(bytes, zstd)]);
  return { gzip: a, zstd: b };
}

/** The same bytes, made on this very thread: for one that answers no requests. */
export function compressHere(bytes: Uint8Array): Compressed {
  return { gzip: compressOne('gzip', bytes), zstd: compressOne('zstd', bytes) };
}

/** The same bytes in one coding, made on this very thread: for what is small. */
export function compressOne(coding: keyof Compressed, bytes: Uint8Array): Buffer {
  const { gzip: gzipped, zstd } = settings(bytes);
  return coding === 'gzip' ? gzipSync(bytes, gzipped) : zstdCompressSync(bytes, zstd);
}

/** The plain bytes of what was compressed with gzip, of which there are so many. On zlib's own threads where there are many. */
export async function inflate(gzipped: Uint8Array, length: number): Promise<Buffer> {
  const bounds = { maxOutputLength: Math.max(1, length) };
  return length <= SMALL_BYTES ? gunzipSync(gzipped, bounds) : gunzipAsync(gzipped, bounds);
}

/** Bytes of a plain body that are made at a time. */
const PIECE = 256 * 1024;

/** The same, piece by piece: no more is made than is taken. */
export async function* inflated(gzipped: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip({ chunkSize: PIECE });
  gunzip.end(gzipped);
  yield* gunzip;
}
