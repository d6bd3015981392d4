import { alone } from '../bytes/copy-out-of-pool.ts';
import { sha256Hex } from '../bytes/digest.ts';
import { type Compressed, compress, compressHere } from './compress.ts';
import type { Coding } from './negotiate.ts';

/** A document drawn in both forms. */
export interface Drawing {
  readonly json: Buffer;
  readonly html: Buffer;
}

/** A drawing in its codings, with the hash its validators are made of. What is small is compressed when somebody asks for it. */
export interface Codings extends Readonly<Partial<Record<Exclude<Coding, 'identity'>, Buffer | undefined>>> {
  readonly identity: Buffer;
  readonly hash: string;
}

/** Up to this size a body is compressed in less time than the way to another thread and back takes: 0.1 to 0.4 ms. */
const SMALL_BYTES = 32 * 1024;

/** All that a page is made of, as it may travel between threads. */
export interface Bodies {
  readonly json: Codings;
  readonly html: Codings;
}

/** A drawing's bodies, compressed on zlib's threads where they are not small. */
export async function bodiesOf({ json, html }: Drawing): Promise<Bodies> {
  const [a, b] = await Promise.all([compressLarge(json), compressLarge(html)]);
  return { json: codings(json, a), html: codings(html, b) };
}

/** The same bodies, made on this very thread. */
export function bodiesHere({ json, html }: Drawing): Bodies {
  return { json: codings(json, compressHere(json)), html: codings(html, compressHere(html)) };
}

/** The content's own hash, so that replicas and restarts agree and a change of the drawing never goes unseen. */
export function hashOfBody(identity: Uint8Array): string {
  return sha256Hex(identity).slice(0, 32);
}

async function compressLarge(identity: Buffer): Promise<Compressed | undefined> {
  return identity.byteLength <= SMALL_BYTES ? undefined : compress(identity);
}

function codings(identity: Buffer, compressed: Compressed | undefined): Codings {
  const plain = { identity: alone(identity), hash: hashOfBody(identity) };
  return compressed === undefined ? plain : { ...plain, gzip: alone(compressed.gzip), zstd: alone(compressed.zstd) };
}
