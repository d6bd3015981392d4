import { parse, TomlError } from 'smol-toml';
import { normalizeName } from '../../pypi/names.ts';
import { isRecord, type Json } from '../../pypi/read.ts';
import type { Marker } from '../../pypi/requirement/marker.ts';
import { parseMarker } from '../../pypi/requirement/requirement.ts';
import { parseSpecifiers, type Specifiers } from '../../pypi/requirement/specifier.ts';
import { hashOf, KNOWN_HASHES, unusable } from './asked.ts';
import { MAX_DEPTH, MAX_HASHES, MAX_TEXT } from './limits.ts';

// How locks in TOML are read: what is not there is undefined, what is of another kind is refused, with the line of its package.

/** A package of a lock. */
export interface Locked {
  readonly table: Json;
  /** `uv.lock:12`. */
  readonly at: string;
}

/** Throws Refusal `format`, which names the line, or `limit`. */
export function readToml(path: string, text: string): Json {
  if (text.length > MAX_TEXT) throw unusable(path, `it has more than ${MAX_TEXT} characters`, 'limit');
  try {
    return parse(text, { maxDepth: MAX_DEPTH });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw unusable(`${path}:${error.line}`, 'it is no TOML', 'format', error);
  }
}

/** The packages of a lock, each with the line that it begins at. */
export function packagesOf(path: string, text: string, document: Json, key: 'package' | 'packages'): readonly Locked[] {
  const listed = document[key];
  if (listed === undefined) return [];
  if (!Array.isArray(listed)) throw unusable(path, `"${key}" is no list`);
  const header = new RegExp(`^[ \\t]*\\[\\[[ \\t]*${key}[ \\t]*\\]\\]`, 'gm');
  let line = 1;
  let from = 0;
  return listed.map((table: unknown) => {
    const found = header.exec(text);
    if (found !== null) {
      line += text.slice(from, found.index).split('\n').length - 1;
      from = found.index;
    }
    const at = found === null ? path : `${path}:${line}`;
    if (!isRecord(table)) throw unusable(at, `"${key}" holds something else than packages`);
    return { table, at };
  });
}

/** Undefined where it is not there. */
export function textIn(table: Json, key: string, at: string): string | undefined {
  const value = table[key];
  if (value === undefined || typeof value === 'string') return value;
  throw unusable(at, `"${key}" is no text`);
}

/** Empty where it is not there. */
export function textsIn(table: Json, key: string, at: string): readonly string[] {
  const value = table[key];
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw unusable(at, `"${key}" is no list of texts`);
  return value;
}

/** Empty where it is not there. */
export function tablesIn(table: Json, key: string, at: string): readonly Json[] {
  const value = table[key];
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isRecord)) throw unusable(at, `"${key}" is no list of tables`);
  if (value.length > MAX_HASHES) throw unusable(at, `"${key}" has more than ${MAX_HASHES} entries`, 'limit');
  return value;
}

export function tableIn(table: Json, key: string, at: string): Json | undefined {
  const value = table[key];
  if (value === undefined || isRecord(value)) return value;
  throw unusable(at, `"${key}" is no table`);
}

export function projectIn(table: Json, at: string): string {
  const written = textIn(table, 'name', at);
  const project = written === undefined ? undefined : normalizeName(written);
  if (project === undefined) throw unusable(at, written === undefined ? 'it has no name' : `"${written}" is no name`);
  return project;
}

/** The one version that is locked; every one where none is. */
export function versionIn(table: Json, at: string): Specifiers {
  const version = textIn(table, 'version', at);
  const specifiers = parseSpecifiers(version === undefined ? '' : `==${version}`);
  if (specifiers === undefined) throw unusable(at, `"${version}" is no version`);
  return specifiers;
}

export function markerIn(text: string | undefined, at: string): Marker | undefined {
  const marker = text === undefined || text.trim() === '' ? undefined : parseMarker(text);
  if (marker === undefined && text !== undefined && text.trim() !== '') throw unusable(at, `"${text}" is no marker`);
  return marker;
}

/** `sha256:HEX`. Throws Refusal for what vouches for nothing. */
export function hashIn(written: string, at: string): string {
  const colon = written.indexOf(':');
  const hash = hashOf(written.slice(0, colon), written.slice(colon + 1));
  if (hash === undefined) throw unusable(at, `"${written}" is no hash`);
  if (hash === 'weak') throw unusable(at, `the hash "${written}" vouches for nothing; what does is ${KNOWN_HASHES}`);
  return hash;
}

/** The last part of a URL or path, decoded. */
export function fileNameOf(place: string): string {
  const [path = ''] = place.split(/[?#]/, 1);
  const last = path.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
