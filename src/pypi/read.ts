import { type JsonPieces, openJson } from '../bytes/json-pieces.ts';
import { Refusal } from '../bytes/refusal.ts';
import { MAX_DEPTH, MAX_PIECE } from './limits.ts';

// From bytes to text and JSON, and the version check both forms of a page share.

export type Json = Readonly<Record<string, unknown>>;

/** `Object.keys` and own properties only from here on: `__proto__` is a key like any other to JSON.parse. */
export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A page or list, to be read piece by piece: bounded in nesting, in values, and in what is made of one line. */
export function openPage(bytes: Uint8Array, values: number): JsonPieces {
  return openJson(bytes, { what: 'The page', subject: 'page', depth: MAX_DEPTH, values, piece: MAX_PIECE });
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
export function readMeta(stated: unknown): { readonly meta: Json; readonly apiVersion: string } {
  const meta = stated === undefined ? {} : stated;
  if (!isRecord(meta)) throw bad('The "meta" of the page is no object.');
  return { meta, apiVersion: readApiVersion(meta['api-version'] ?? '1.0') };
}

export function bad(message: string): Refusal {
  return new Refusal('format', message, { subject: 'page' });
}
