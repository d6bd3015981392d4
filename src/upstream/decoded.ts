import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Refusal } from '../bytes/refusal.ts';
import { redactUrl } from './destinations.ts';
import type { Answer } from './exchange.ts';

/** The coding of an answer's body; undefined where it came as it is. */
export function codingOf({ headers }: Answer): string | undefined {
  const coding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  return coding === '' || coding === 'identity' ? undefined : coding;
}

/** Core metadata may arrive gzip'd from PyPI's file host, asked for or not; nothing else may. */
export function mayBeCoded(url: URL, coding: string): boolean {
  return coding === 'gzip' && url.pathname.endsWith('.metadata');
}

/** gzip makes what cannot be compressed a little larger. Bytes. */
const OVERHEAD = 4096;

/** A gzip'd body as what it unpacks to: at most `limit` bytes (`limit`), whole (`truncated`) and nothing but gzip (`encoding`). */
export async function* gunzipped(answer: Answer, limit: number): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip();
  const source = Readable.from(answer.body(limit + OVERHEAD), { objectMode: false });
  source.on('error', (error) => gunzip.destroy(error));
  let unpacked = 0;
  try {
    for await (const chunk of source.pipe(gunzip)) {
      unpacked += chunk.byteLength;
      if (unpacked > limit)
        throw new Refusal('limit', `${redactUrl(answer.url)} unpacks to more than the ${limit} bytes it may have.`);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof Refusal ? error : damaged(error, answer);
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

function damaged(cause: unknown, { url }: Answer): Refusal {
  const cut = cause instanceof Error && 'code' in cause && cause.code === 'Z_BUF_ERROR';
  return cut
    ? new Refusal('truncated', `${redactUrl(url)} ended before it was complete.`, { cause })
    : new Refusal('encoding', `${redactUrl(url)} says that it is gzip, and is not.`, { cause });
}
