import { alone } from '../bytes/copy-out-of-pool.ts';
import { sha256Hex } from '../bytes/digest.ts';
import { type Compressed, compress, compressHere } from './compress.ts';
import type { Coding } from './negotiate.ts';

/** A document drawn in both forms. */
export interface Drawing {
  readonly json: Buffer;
  readonly html: Buffer;
}

/** A drawing in every coding, with the hash its validators are made of; a lean one lacks the plain bytes. */
interface Codings extends Readonly<Record<Exclude<Coding, 'identity'>, Buffer>> {
  readonly identity: Buffer | undefined;
  readonly hash: string;
  /** Bytes of the plain body. */
  readonly length: number;
}

/** All that a page is made of, as it may travel between threads. */
export interface Bodies {
  readonly json: Codings;
  readonly html: Codings;
}

/** A drawing's bodies, compressed on zlib's threads. */
export async function bodiesOf({ json, html }: Drawing): Promise<Bodies> {
  const [a, b] = await Promise.all([compress(json), compress(html)]);
  return { json: codings(json, a), html: codings(html, b) };
}

/** The same bodies, made on this very thread. */
export function bodiesHere({ json, html }: Drawing): Bodies {
  return { json: codings(json, compressHere(json)), html: codings(html, compressHere(html)) };
}

/** The same without the plain bytes: of a list that is most of the memory, and hardly a client asks for them. */
export function leanBodies({ json, html }: Bodies): Bodies {
  return { json: { ...json, identity: undefined }, html: { ...html, identity: undefined } };
}

/** The content's own hash, so that replicas and restarts agree and a change of the drawing never goes unseen. */
export function hashOfBody(identity: Uint8Array): string {
  return sha256Hex(identity).slice(0, 32);
}

function codings(identity: Buffer, compressed: Compressed): Codings {
  const { gzip, zstd } = compressed;
  const hash = hashOfBody(identity);
  return { identity: alone(identity), gzip: alone(gzip), zstd: alone(zstd), hash, length: identity.byteLength };
}
