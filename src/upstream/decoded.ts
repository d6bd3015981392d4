import { Readable } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { Refusal } from '../bytes/refusal.ts';
import { redactUrl } from './destinations.ts';
import type { Answer } from './exchange.ts';

/** What documents are asked for in. Files are asked for as they are: their digests are of what lies there. */
export const DOCUMENT_CODINGS = 'gzip, zstd';

/** A coding that is understood. */
export type Coding = 'gzip' | 'zstd';

const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['zstd', 'zstd'],
]);

/** What an answer's body is labelled with; undefined where it came as it is. */
export function labelOf({ headers }: Pick<Answer, 'headers'>): string | undefined {
  const labels = (headers['content-encoding'] ?? '')
    .split(',')
    .map((label) => label.trim().toLowerCase())
    .filter((label) => label !== '' && label !== 'identity');
  return labels.length === 0 ? undefined : labels.join(', ');
}

/** The coding that a label means; throws `encoding` for one that is not understood, or several. */
export function codingOf(label: string, url: URL): Coding {
  const coding = CODINGS.get(label);
  if (coding !== undefined) return coding;
  throw new Refusal(
    'encoding',
    `${redactUrl(url)} came in a coding that was not asked for; only ${DOCUMENT_CODINGS} are understood.`,
  );
}

/** Coding makes what cannot be compressed a little larger. Bytes. */
const OVERHEAD = 4096;

// RFC 9659: a zstd body on the web needs no window larger than 8 MiB, and whoever asks for one wants our memory.
const ZSTD = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

/**
 * A coded body as what it unpacks to: at most `limit` bytes (`limit`), whole (`truncated`) and nothing but that coding
 * (`encoding`). On zlib's own threads.
 */
export async function* unpacked(
  answer: Answer,
  coding: Coding,
  limit: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const unpack = coding === 'gzip' ? createGunzip() : createZstdDecompress(ZSTD);
  let taken = 0;
  const counted = async function* () {
    for await (const chunk of answer.body(limit + OVERHEAD)) {
      taken += chunk.byteLength;
      yield chunk;
    }
  };
  const source = Readable.from(counted(), { objectMode: false });
  source.on('error', (error) => unpack.destroy(error));
  let length = 0;
  try {
    for await (const chunk of source.pipe(unpack)) {
      length += chunk.byteLength;
      if (length > limit)
        throw new Refusal('limit', `${redactUrl(answer.url)} unpacks to more than the ${limit} bytes it may have.`);
      yield chunk;
    }
    // zlib is silent about what follows a zstd frame.
    if (unpack.bytesWritten !== taken)
      throw new Refusal('encoding', `${redactUrl(answer.url)} has more behind the end of its ${coding}.`);
  } catch (error) {
    throw error instanceof Refusal ? error : damaged(error, coding, answer);
  } finally {
    source.destroy();
    unpack.destroy();
  }
}

function damaged(cause: unknown, coding: Coding, { url }: Answer): Refusal {
  const cut = cause instanceof Error && 'code' in cause && cause.code === 'Z_BUF_ERROR';
  return cut
    ? new Refusal('truncated', `${redactUrl(url)} ended before it was complete.`, { cause })
    : new Refusal('encoding', `${redactUrl(url)} says that it is ${coding}, and is not.`, { cause });
}
