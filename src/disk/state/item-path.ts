import { Refusal } from '../../bytes/refusal.ts';
import { ITEM_PATH_BYTES, type ItemPath } from '../../ports/state-storage.ts';
import { DamagedDatabase } from '../database/sqlite.ts';

// A path as one text: each name ends in a slash, so that whatever lies below a path begins with its text, and nothing else
// does. In a name, `%`, `/` and NUL (where SQLite's text functions stop) are escaped.

const SPECIAL = /[%/\0]/g;
const ESCAPED = /%(?:25|2F|00)/g;

/** Throws TypeError for what cannot be a name, and Refusal `limit` for too long a path. */
export function pathText(names: readonly string[]): string {
  let text = '';
  for (const name of names) {
    if (!name.isWellFormed()) throw new TypeError('a name of an item holds half a character');
    text += `${name.replace(SPECIAL, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)}/`;
  }
  if (Buffer.byteLength(text) > ITEM_PATH_BYTES)
    throw new Refusal('limit', `The path of an item of state is longer than ${ITEM_PATH_BYTES} bytes.`, {
      subject: 'state',
    });
  return text;
}

/** The names a text was made of. Throws DamagedDatabase for a text that no names make. */
export function namesOf(text: string): readonly string[] {
  const names = text
    .split('/')
    .slice(0, -1)
    .map((name) => name.replace(ESCAPED, (escaped) => String.fromCharCode(Number.parseInt(escaped.slice(1), 16))));
  if (pathText(names) !== text) throw new DamagedDatabase('a path is none');
  return names;
}

/** Texts of everything below a path lie in [from, to): `0` is what follows a slash, and SQLite orders any blob after every text. */
export function rangeBelow(names: readonly string[]): { readonly from: string; readonly to: string | Uint8Array } {
  const from = pathText(names);
  return from === '' ? { from, to: new Uint8Array() } : { from, to: `${from.slice(0, -1)}0` };
}

export function itemOf(index: string, text: string): ItemPath {
  return [index, ...namesOf(text)];
}
