import { Refusal } from '../../bytes/refusal.ts';
import { LIMITS } from './limits.ts';
import { Change, Entry, FORMATS, Header, Piece } from './model.ts';

// One line, one JSON object, written in one way only: members in the order of the model, no blanks, no other spelling of a value.

export function encodeHeader(header: Header): Buffer {
  return encode(Header, header, LIMITS.header);
}

export function encodeEntry(entry: Entry): Buffer {
  return encode(Entry, entry, LIMITS.line);
}

export function encodeChange(change: Change): Buffer {
  return encode(Change, change, LIMITS.line);
}

export function encodePiece(piece: Piece): Buffer {
  return encode(Piece, piece, LIMITS.line);
}

/** `line` is without its end. Throws `format`. */
export function decodeHeader(line: Uint8Array): Header {
  refuseOtherFormat(line);
  return decode(Header, line, 'the header');
}

export function decodeEntry(line: Uint8Array): Entry {
  return decode(Entry, line, 'an entry');
}

export function decodeChange(line: Uint8Array): Change {
  return decode(Change, line, 'a change');
}

export function decodePiece(line: Uint8Array): Piece {
  return decode(Piece, line, 'a piece');
}

/** The format stands within so many bytes. */
const FORMAT_BYTES = 64;

interface Schema<T> {
  safeParse(value: unknown): { readonly data?: T | undefined };
}

/** Throws `limit` for what no line may say, a URL that is too long for example. */
function encode<T>(schema: Schema<T>, value: T, most: number): Buffer {
  const { data } = schema.safeParse(value);
  if (data === undefined)
    throw new Refusal('limit', `A manifest cannot say this: ${JSON.stringify(value).slice(0, 300)}`);
  const line = Buffer.from(`${JSON.stringify(data)}\n`);
  if (line.length > most) throw new Refusal('limit', `A line of a manifest has at most ${most} bytes.`);
  return line;
}

/** What would be written otherwise is refused: two members of one name, other numbers, blanks, text that is no UTF-8. */
function decode<T>(schema: Schema<T>, line: Uint8Array, what: string): T {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw malformed(what, cause);
  }
  const { data } = schema.safeParse(value);
  if (data === undefined || !Buffer.from(JSON.stringify(data)).equals(bytes)) throw malformed(what);
  return data;
}

/** What comes after this Verbatim is told as that, and not as damage. */
function refuseOtherFormat(line: Uint8Array): void {
  const start = Buffer.from(line.subarray(0, FORMAT_BYTES)).toString('latin1');
  const format = /^\{"format":"(verbatim-bundle\/[0-9]{1,6})"/.exec(start)?.[1];
  if (format === undefined || FORMATS.some((known) => known === format)) return;
  throw new Refusal(
    'format',
    `This bundle is in the format ${format}, and this Verbatim reads ${FORMATS.join(' and ')}: a newer Verbatim has to be carried in first.`,
    { subject: 'request' },
  );
}

function malformed(what: string, cause?: unknown): Refusal {
  return new Refusal('format', `The manifest is malformed where ${what} should be.`, { cause });
}
