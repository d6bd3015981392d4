import { Refusal } from '../bytes/refusal.ts';

// The charsets that a page may be stated in, by the label that TextDecoder knows them by (WHATWG Encoding §4.2). Each keeps ASCII
// as it is or has a byte order mark, so that nothing hides in the difference.
const CHARSETS: ReadonlyMap<string, string> = new Map(
  [
    ['utf-8', 'utf8', 'us-ascii', 'ascii'],
    ['windows-1252', 'iso-8859-1', 'iso8859-1', 'latin1', 'latin-1', 'cp1252'],
    ['iso-8859-2', 'latin2'],
    ['iso-8859-15', 'latin-9', 'latin9'],
    ['windows-1250', 'cp1250'],
    ['windows-1251', 'cp1251'],
    ['koi8-r'],
    ['shift_jis', 'sjis', 'shift-jis'],
    ['euc-jp'],
    ['euc-kr'],
    ['gbk', 'gb2312'],
    ['gb18030'],
    ['big5'],
    ['utf-16le', 'utf-16'],
    ['utf-16be'],
  ].flatMap(([name = '', ...others]) => [name, ...others].map((label) => [label, name] as const)),
);

/** A page in UTF-8, and what it was stated to be in, where that made a difference. */
export interface Decoded {
  readonly bytes: Uint8Array;
  readonly charset: string | undefined;
}

/**
 * What a page is in is said by its byte order mark, else by its Content-Type, else by HTML's own `<meta>`; else it is UTF-8.
 * Refuses `format` for a charset that is not known, or bytes that are not well-formed in it, and `limit` for more than `limit` bytes.
 */
export function inUtf8(bytes: Uint8Array, contentType: string, limit: number): Decoded {
  const stated = markOf(bytes) ?? charsetOf(contentType);
  const label = stated ?? metaCharset(bytes) ?? 'utf-8';
  const charset = CHARSETS.get(label);
  // Whatever it says, ASCII is ASCII; and HTML's own word is the last one to be asked.
  const isAsItIs =
    charset === 'utf-8' ||
    (charset?.startsWith('utf-16') !== true && isAscii(bytes)) ||
    ((stated === undefined || charset === undefined) && isUtf8(bytes));
  if (isAsItIs) return { bytes, charset: undefined };
  if (charset === undefined)
    throw new Refusal('format', 'The page is stated in a charset that is not known here, and is not UTF-8.', {
      subject: 'page',
    });
  let text: string;
  try {
    text = new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Refusal('format', `The page is not well-formed ${charset}, as it is stated.`, { subject: 'page', cause });
  }
  const decoded = Buffer.from(text);
  if (decoded.byteLength > limit)
    throw new Refusal('limit', `The page is larger than ${limit} bytes in UTF-8.`, { subject: 'page' });
  return { bytes: decoded, charset };
}

function markOf(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return first === 0xef && second === 0xbb && third === 0xbf ? 'utf-8' : undefined;
}

function charsetOf(contentType: string): string | undefined {
  return /;\s*charset\s*=\s*"?([a-z0-9_.:-]{1,40})"?\s*(?:;|$)/i.exec(contentType)?.[1]?.toLowerCase();
}

/** HTML §13.2.3.2: within the first 1024 bytes. */
const PRESCAN = 1024;

function metaCharset(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, PRESCAN)).toString('latin1');
  return /<meta\s[^>]{0,200}charset\s*=\s*["']?\s*([a-z0-9_.:-]{1,40})/i.exec(start)?.[1]?.toLowerCase();
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
