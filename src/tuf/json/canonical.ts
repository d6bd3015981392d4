import { type Sliced, STEPS_BETWEEN_PAUSES } from '../sliced.ts';
import { canonicalSourceOf } from './json.ts';
import { JsonObject, type JsonValue } from './json-value.ts';

const SURROGATE_OR_ABOVE = /[\ud800-\uffff]/;
const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;
const PIECE = 64 * 1024;
const NONE: readonly never[] = [];
const QUOTE = 0x22;
const SPACE = 0x20;

/** An array or object that has been begun. */
interface Open {
  readonly object: JsonObject | undefined;
  /** An object's names in canonical order. */
  readonly names: readonly string[];
  readonly array: readonly JsonValue[];
  next: number;
}

/**
 * Canonical JSON as TUF signs it (TUF §4.1, OLPC): members sorted by code point, no white space, only `\` and `"`
 * escaped, control characters raw, UTF-8. RFC 8785 is not this.
 */
export function* canonicalize(value: JsonValue): Sliced<Uint8Array> {
  const source = value instanceof JsonObject ? canonicalSourceOf(value) : undefined;
  if (source !== undefined) return source.blanks ? yield* withoutBlanks(source.bytes) : source.bytes;
  const pieces: Buffer[] = [];
  let text = '';
  let steps = 0;
  const stack: Open[] = [];
  let current: JsonValue = value;
  for (;;) {
    if (++steps % STEPS_BETWEEN_PAUSES === 0) yield;
    if (text.length > PIECE) {
      pieces.push(Buffer.from(text));
      text = '';
    }
    if (current instanceof JsonObject) {
      text += '{';
      stack.push({ object: current, names: sortedNames(current), array: NONE, next: 0 });
    } else if (isArray(current)) {
      text += '[';
      stack.push({ object: undefined, names: NONE, array: current, next: 0 });
    } else {
      text += typeof current === 'string' ? quote(current) : String(current);
    }
    // On to the next value, closing what has ended.
    for (;;) {
      const open = stack.at(-1);
      if (open === undefined) {
        pieces.push(Buffer.from(text));
        return Buffer.concat(pieces);
      }
      const i = open.next++;
      if (i === (open.object === undefined ? open.array.length : open.names.length)) {
        text += open.object === undefined ? ']' : '}';
        stack.pop();
        continue;
      }
      if (i > 0) text += ',';
      if (open.object === undefined) {
        current = open.array[i] ?? null;
      } else {
        const name = open.names[i] ?? '';
        text += `${quote(name)}:`;
        current = open.object.get(name) ?? null;
      }
      break;
    }
  }
}

/** What was read, token for token; no string of it holds an escaped quote. */
function* withoutBlanks(bytes: Uint8Array): Sliced<Uint8Array> {
  const kept = new Uint8Array(bytes.length);
  let length = 0;
  let inString = false;
  for (let from = 0; from < bytes.length; from += PIECE) {
    for (let i = from; i < Math.min(from + PIECE, bytes.length); i++) {
      const byte = bytes[i] ?? 0;
      if (byte === QUOTE) inString = !inString;
      // Outside strings nothing else lies so low (json.ts).
      if (inString || byte > SPACE) kept[length++] = byte;
    }
    yield;
  }
  return kept.subarray(0, length);
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function quote(text: string): string {
  return /["\\]/.test(text) ? `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : `"${text}"`;
}

function sortedNames(object: JsonObject): readonly string[] {
  const names = object.names();
  // JavaScript sorts by UTF-16 unit, which differs from code points only where surrogates meet U+E000 and above.
  if (names.some((name) => SURROGATE_OR_ABOVE.test(name))) return names.toSorted(byCodePoint);
  return names.every((name, i) => i === 0 || (names[i - 1] ?? '') < name) ? names : names.toSorted();
}

function byCodePoint(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Where a UTF-16 unit stands among code points: surrogates, which begin those above U+FFFF, behind all others. */
function rank(unit: number): number {
  return unit >= FIRST_SURROGATE && unit <= LAST_SURROGATE ? unit + 0x10000 : unit;
}
