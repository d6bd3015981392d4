import { alone } from '../bytes/copy-out-of-pool.ts';
import { sha256Hex } from '../bytes/digest.ts';
import { type Compressed, compress, compressHere, SMALL_BYTES } from './compress.ts';
import type { Coding } from './negotiate.ts';

/** A document drawn in both forms. */
export interface Drawing {
  readonly json: Buffer;
  readonly html: Buffer;
}

/**
 * A drawing in its codings, with the hash its validators are made of. A lean one lacks the plain bytes; what is small is compressed
 * when somebody asks for it.
 */
export interface Codings extends Readonly<Record<Coding, Buffer | undefined>> {
  readonly hash: string;
  /** Bytes of the plain body. */
  readonly length: number;
}

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

/** The same without the plain bytes of what is compressed: of a list that is most of the memory, and hardly a client asks for them. */
export function leanBodies({ json, html }: Bodies): Bodies {
  const lean = (form: Codings): Codings => (form.gzip === undefined ? form : { ...form, identity: undefined });
  return { json: lean(json), html: lean(html) };
}

/** The content's own hash, so that replicas and restarts agree and a change of the drawing never goes unseen. */
export function hashOfBody(identity: Uint8Array): string {
  return sha256Hex(identity).slice(0, 32);
}

async function compressLarge(identity: Buffer): Promise<Compressed | undefined> {
  return identity.byteLength <= SMALL_BYTES ? undefined : compress(identity);
}

function codings(identity: Buffer, compressed: Compressed | undefined): Codings {
  const gzip = compressed && alone(compressed.gzip);
  const zstd = compressed && alone(compressed.zstd);
  return { identity: alone(identity), gzip, zstd, hash: hashOfBody(identity), length: identity.byteLength };
}
