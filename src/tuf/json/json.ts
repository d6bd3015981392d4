import { Refusal } from '../../bytes/refusal.ts';
import { LIMITS } from '../limits.ts';
import { type Sliced, STEPS_BETWEEN_PAUSES } from '../sliced.ts';
import { FEW, JsonObject, type JsonValue } from './json-value.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Below it lie the control characters, and it is the last of the blanks. */
const SPACE = 0x20;
/** So many digits are always exact. */
const EXACT_DIGITS = 15;
/** No more digits than are always exact, and an exponent that no parser rounds away. */
const FRACTION = /-?(?:0|[1-9][0-9]{0,7})(?:\.[0-9]{1,7})?(?:[eE][+-]?[0-9]{1,2})?(?![0-9.eE])/y;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The very bytes a member of a document was read from. */
interface Source {
  readonly bytes: Uint8Array;
  /** Blanks stand between its tokens. */
  readonly blanks: boolean;
}

const sources = new WeakMap<JsonObject, Source>();

/**
 * Where nothing but blanks tells the bytes of a member from its canonical form (TUF §4.1): names in ascending order,
 * nothing escaped, ASCII. Most repositories write it so, and then it need not be written a second time.
 */
export function canonicalSourceOf(value: JsonObject): Source | undefined {
  return sources.get(value);
}

/**
 * Reads bytes as JSON, in time linear in their length. Stricter than JSON.parse, so that every other parser reads the
 * same value: well-formed UTF-8 without a byte-order mark, no duplicate names, integers only (fractions beside what is signed), no -0, no lone surrogates.
 * Throws `format`, or `limit` for depth, digits and more than `mostValues` values.
 */
export function* readJson(bytes: Uint8Array, mostValues: number = LIMITS.jsonValues): Sliced<JsonValue> {
  const reader = createReader(bytes, mostValues);
  for (;;) {
    const value = reader.readOn(STEPS_BETWEEN_PAUSES);
    if (value !== undefined) return value;
    yield;
  }
}

/** An array or object that has not been closed yet. Its members wait among all that wait, from `from` on. */
interface Open {
  readonly isArray: boolean;
  readonly from: number;
  /** Of the member being read. */
  name: string;
  /** The members instead, once they are more than a few. */
  many: Map<string, JsonValue> | undefined;
}

interface Reader {
  /** Reads as many values, or up to the end of the document; returns it there. */
  readOn(most: number): JsonValue | undefined;
}

function createReader(bytes: Uint8Array, mostValues: number): Reader {
  const text = decode(bytes);
  const length = text.length;
  const ascii = length === bytes.byteLength;
  const stack: Open[] = [];
  const waiting: JsonValue[] = [];
  /** How much of `waiting` counts. */
  let top = 0;
  let at = 0;
  let values = 0;
  /** Where the member of the document being read began, and what of it was canonical up to here. */
  let memberAt = 0;
  let canonical = false;
  let blanks = false;

  const skipBlanks = () => {
    for (; ; at++) {
      const code = text.charCodeAt(at);
      if (code > SPACE || (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09)) return;
      blanks = true;
    }
  };

  /** From an opening quote to behind the closing one. */
  const readString = (): string => {
    const start = at + 1;
    let end = start;
    let escaped = false;
    for (; ; end++) {
      const code = text.charCodeAt(end);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        escaped = true;
        end++;
      }
      if (end >= length) throw malformed('a string does not end', start);
      if (code < SPACE) throw malformed('a raw control character in a string', end);
    }
    at = end + 1;
    if (!escaped) return text.slice(start, end);
    canonical = false;
    return unescaped(text.slice(start - 1, at), start);
  };

  /** In a member of the document beside `signed`: nothing there is ever written in canonical form. */
  const isUnsigned = () => stack[0]?.isArray === false && stack[0].name !== 'signed';

  /** A number that every parser reads as the same double. */
  const readFraction = (): number => {
    FRACTION.lastIndex = at;
    const [number = ''] = FRACTION.exec(text) ?? [];
    const value = Number(number);
    // Of no number at all it is 0, too.
    if (value === 0) throw malformed('a number that is not plain', at);
    at += number.length;
    return value;
  };

  const readInteger = (): number | bigint => {
    const start = at;
    const first = text.charCodeAt(start) === MINUS ? start + 1 : start;
    let number = 0;
    let end = first;
    for (; ; end++) {
      const digit = text.charCodeAt(end) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      number = number * 10 + digit;
    }
    if (end === first) throw malformed('no value', start);
    const after = text.charCodeAt(end);
    if ((after === POINT || after === 0x65 || after === 0x45) && isUnsigned()) return readFraction();
    // 0123, 1.0, 1e2: parsers disagree on them, so nobody may sign with them.
    if ((text.charCodeAt(first) === ZERO && end > first + 1) || after === POINT || after === 0x65 || after === 0x45)
      throw malformed('a number that is not a plain integer', start);
    if (number === 0 && first > start) throw malformed('-0', start);
    if (end - start > LIMITS.jsonDigits)
      throw new Refusal('limit', `An integer of more than ${LIMITS.jsonDigits} digits.`);
    at = end;
    if (end - first <= EXACT_DIGITS) return first > start ? -number : number;
    const exact = BigInt(text.slice(start, end));
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  };

  const readScalar = (code: number): JsonValue => {
    const word = WORDS.get(code);
    if (word === undefined || !text.startsWith(word.text, at)) return readInteger();
    at += word.text.length;
    return word.value;
  };

  /** A member's name and its colon. */
  const readName = (into: Open, isFirst: boolean): void => {
    if (text.charCodeAt(at) !== QUOTE) throw malformed('a member name is missing', at);
    const name = readString();
    if (!isFirst && into.name >= name) canonical = false;
    into.name = name;
    skipBlanks();
    if (text.charCodeAt(at) !== COLON) throw malformed('a colon is missing', at);
    at++;
  };

  const addMember = (into: Open, value: JsonValue): void => {
    const { name, from } = into;
    let isNew = true;
    if (into.many === undefined && top - from < FEW * 2) {
      for (let i = from; i < top && isNew; i += 2) isNew = waiting[i] !== name;
      waiting[top++] = name;
      waiting[top++] = value;
    } else {
      into.many ??= indexed(waiting, from, top);
      top = from;
      const before = into.many.size;
      isNew = into.many.set(name, value).size > before;
    }
    if (!isNew) throw malformed(`the member ${JSON.stringify(name.slice(0, 40))} stands twice`, at);
  };

  const close = ({ isArray, many, from }: Open): JsonValue => {
    if (many !== undefined) return JsonObject.many(many);
    const members = waiting.slice(from, top);
    top = from;
    return isArray ? members : JsonObject.few(members);
  };

  /** Begins an array or object; returns it where it is empty. */
  const open = (isArray: boolean): JsonValue | undefined => {
    if (stack.length >= LIMITS.jsonDepth) throw new Refusal('limit', `JSON nested deeper than ${LIMITS.jsonDepth}.`);
    at++;
    skipBlanks();
    if (text.charCodeAt(at) === (isArray ? CLOSE_ARRAY : CLOSE_OBJECT)) {
      at++;
      return isArray ? [] : JsonObject.few([]);
    }
    const opened: Open = { isArray, from: top, name: '', many: undefined };
    stack.push(opened);
    if (!isArray) readName(opened, true);
    return undefined;
  };

  /** One value ended: puts it where it belongs and closes what that closes. Returns the document at its end. */
  const put = (ended: JsonValue): JsonValue | undefined => {
    let value = ended;
    for (;;) {
      if (stack.length === 1 && canonical && value instanceof JsonObject)
        sources.set(value, { bytes: bytes.subarray(memberAt, at), blanks });
      skipBlanks();
      const into = stack.at(-1);
      if (into === undefined) {
        if (at !== length) throw malformed('more follows the document', at);
        return value;
      }
      if (into.isArray) waiting[top++] = value;
      else addMember(into, value);
      const next = text.charCodeAt(at);
      if (next === COMMA) {
        at++;
        if (!into.isArray) {
          skipBlanks();
          readName(into, false);
        }
        return undefined;
      }
      if (next !== (into.isArray ? CLOSE_ARRAY : CLOSE_OBJECT))
        throw malformed(`a comma or ${into.isArray ? ']' : '}'} is missing`, at);
      at++;
      stack.pop();
      value = close(into);
    }
  };

  return {
    readOn(most) {
      for (let i = 0; i < most; i++) {
        skipBlanks();
        if (stack.length === 1) {
          memberAt = at;
          canonical = ascii;
          blanks = false;
        }
        if (++values > mostValues) throw new Refusal('limit', `More than ${mostValues} JSON values.`);
        const code = text.charCodeAt(at);
        let value: JsonValue | undefined;
        if (code === QUOTE) value = readString();
        else if (code === OPEN_OBJECT || code === OPEN_ARRAY) value = open(code === OPEN_ARRAY);
        else value = readScalar(code);
        const document = value === undefined ? undefined : put(value);
        if (document !== undefined) return document;
      }
      return undefined;
    },
  };
}

/** By their first character. */
const WORDS: ReadonlyMap<number, { readonly text: string; readonly value: boolean | null }> = new Map([
  [0x74, { text: 'true', value: true }],
  [0x66, { text: 'false', value: false }],
  [0x6e, { text: 'null', value: null }],
]);

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new Refusal('format', 'Not well-formed UTF-8.', { cause });
  }
}

/** A string with escapes, quotes included. */
function unescaped(quoted: string, at: number): string {
  let text: string;
  try {
    text = String(JSON.parse(quoted));
  } catch {
    throw malformed('a bad escape', at);
  }
  if (!text.isWellFormed()) throw malformed('a lone surrogate', at);
  return text;
}

function indexed(members: readonly JsonValue[], from: number, to: number): Map<string, JsonValue> {
  const index = new Map<string, JsonValue>();
  for (let i = from; i < to; i += 2) index.set(members[i] as string, members[i + 1] ?? null);
  return index;
}

function malformed(what: string, at: number): Refusal {
  return new Refusal('format', `Not strict JSON: ${what} at character ${at}.`);
}
