import { Refusal } from '../bytes/refusal.ts';
import { MAX_DEPTH } from './limits.ts';

// From bytes to text and JSON, and the version check both forms of a page share.

export type Json = Readonly<Record<string, unknown>>;

/** `Object.keys` and own properties only from here on: `__proto__` is a key like any other to JSON.parse. */
export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Well-formed UTF-8, bounded nesting, JSON. */
export function readJson(bytes: Uint8Array): unknown {
  if (deepest(bytes) > MAX_DEPTH)
    throw new Refusal('limit', `The page nests deeper than ${MAX_DEPTH} levels.`, { subject: 'page' });
  try {
    return JSON.parse(decodeText(bytes));
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal('format', 'The page is not JSON.', { subject: 'page', cause });
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The deepest nesting, without a recursion of its own; most bytes of a page are inside strings. */
function deepest(bytes: Uint8Array): number {
  let depth = 0;
  let most = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at);
    // `{` and `[`, `}` and `]`.
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > most) most = depth;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return most;
}

function endOfString(bytes: Uint8Array, quote: number): number {
  let at = quote + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new Refusal('format', 'The page is not well-formed UTF-8.', { subject: 'page', cause });
  }
}

/** PEP 629: a page of another major version is not for us; a higher minor only adds. */
export function readApiVersion(version: unknown): string {
  if (typeof version !== 'string' || !/^1\.[0-9]{1,3}$/.test(version))
    throw bad(`The page's format version is ${JSON.stringify(version) ?? 'not stated'}; only 1.x is understood.`);
  return version;
}

/** `meta` of a JSON document; where it does not say a version it is 1.0, as for HTML (PEP 629). */
export function readMeta(document: Json): { readonly meta: Json; readonly apiVersion: string } {
  const { meta = {} } = document;
  if (!isRecord(meta)) throw bad('The "meta" of the page is no object.');
  return { meta, apiVersion: readApiVersion(meta['api-version'] ?? '1.0') };
}

export function bad(message: string): Refusal {
  return new Refusal('format', message, { subject: 'page' });
}
