import { canonicalBytesOf, type JsonObject, type JsonValue } from './json.ts';
import { type Judging, STEPS_BETWEEN_PAUSES } from './judging.ts';

const SURROGATE_OR_ABOVE = /[\ud800-\uffff]/;
const PIECE = 64 * 1024;

interface Open {
  readonly values: Iterator<JsonValue | readonly [string, JsonValue]>;
  readonly close: '}' | ']';
  first: boolean;
}

/**
 * Canonical JSON as TUF signs it (TUF §4.1, OLPC): members sorted by code point, no white space, only `\` and `"`
 * escaped, control characters raw, UTF-8. RFC 8785 is not this.
 */
export function* canonicalize(value: JsonValue): Judging<Uint8Array> {
  const written = value instanceof Map ? canonicalBytesOf(value) : undefined;
  if (written !== undefined) return written;
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
    if (current instanceof Map) {
      text += '{';
      stack.push({ values: sortedMembers(current)[Symbol.iterator](), close: '}', first: true });
    } else if (isArray(current)) {
      text += '[';
      stack.push({ values: current[Symbol.iterator](), close: ']', first: true });
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
      const next = open.values.next();
      if (next.done === true) {
        text += open.close;
        stack.pop();
        continue;
      }
      if (!open.first) text += ',';
      open.first = false;
      if (open.close === '}') {
        const [name, member] = next.value as readonly [string, JsonValue];
        text += `${quote(name)}:`;
        current = member;
      } else {
        current = next.value as JsonValue;
      }
      break;
    }
  }
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function quote(text: string): string {
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
}

function sortedMembers(object: JsonObject): Iterable<readonly [string, JsonValue]> {
  const names = [...object.keys()];
  // JavaScript sorts by UTF-16 unit, which differs from code points only where surrogates meet U+E000 and above.
  const compare = names.some((name) => SURROGATE_OR_ABOVE.test(name)) ? byCodePoint : byUnit;
  let sorted = true;
  for (let i = 1; i < names.length && sorted; i++) sorted = compare(names[i - 1] ?? '', names[i] ?? '') < 0;
  if (sorted) return object;
  return names.sort(compare).map((name) => [name, object.get(name) ?? null] as const);
}

function byUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
