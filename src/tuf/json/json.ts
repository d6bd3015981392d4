import { Refusal } from '../../bytes/refusal.ts';
import { LIMITS } from '../limits.ts';
import { type Sliced, STEPS_BETWEEN_PAUSES } from '../sliced.ts';
import { decode, malformed, unescaped } from './json-text.ts';
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
  const reader = new JsonReader(bytes, mostValues);
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

/** One document being read: where it stands, what is open, and what of it was canonical so far. */
class JsonReader {
  readonly #bytes: Uint8Array;
  readonly #text: string;
  readonly #ascii: boolean;
  readonly #mostValues: number;
  readonly #stack: Open[] = [];
  readonly #waiting: JsonValue[] = [];
  /** How much of what waits counts. */
  #top = 0;
  #at = 0;
  #values = 0;
  /** Where the member of the document being read began, and what of it was canonical up to here. */
  #memberAt = 0;
  #canonical = false;
  #blanks = false;

  constructor(bytes: Uint8Array, mostValues: number) {
    this.#bytes = bytes;
    this.#text = decode(bytes);
    this.#ascii = this.#text.length === bytes.byteLength;
    this.#mostValues = mostValues;
  }

  /** Reads as many values, or up to the end of the document; returns it there. */
  readOn(most: number): JsonValue | undefined {
    for (let i = 0; i < most; i++) {
      this.#skipBlanks();
      if (this.#stack.length === 1) {
        this.#memberAt = this.#at;
        this.#canonical = this.#ascii;
        this.#blanks = false;
      }
      if (++this.#values > this.#mostValues) throw new Refusal('limit', `More than ${this.#mostValues} JSON values.`);
      const code = this.#text.charCodeAt(this.#at);
      let value: JsonValue | undefined;
      if (code === QUOTE) value = this.#readString();
      else if (code === OPEN_OBJECT || code === OPEN_ARRAY) value = this.#open(code === OPEN_ARRAY);
      else value = this.#readScalar(code);
      const document = value === undefined ? undefined : this.#put(value);
      if (document !== undefined) return document;
    }
    return undefined;
  }

  #skipBlanks(): void {
    const text = this.#text;
    let at = this.#at;
    for (; ; at++) {
      const code = text.charCodeAt(at);
      if (code > SPACE || (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09)) break;
      this.#blanks = true;
    }
    this.#at = at;
  }

  /** From an opening quote to behind the closing one. */
  #readString(): string {
    const text = this.#text;
    const start = this.#at + 1;
    let end = start;
    let escaped = false;
    for (; ; end++) {
      const code = text.charCodeAt(end);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        escaped = true;
        end++;
      }
      if (end >= text.length) throw malformed('a string does not end', start);
      if (code < SPACE) throw malformed('a raw control character in a string', end);
    }
    this.#at = end + 1;
    if (!escaped) return text.slice(start, end);
    this.#canonical = false;
    return unescaped(text.slice(start - 1, this.#at), start);
  }

  /** In a member of the document beside `signed`: nothing there is ever written in canonical form. */
  #isUnsigned(): boolean {
    const [document] = this.#stack;
    return document?.isArray === false && document.name !== 'signed';
  }

  /** A number that every parser reads as the same double. */
  #readFraction(): number {
    FRACTION.lastIndex = this.#at;
    const [number = ''] = FRACTION.exec(this.#text) ?? [];
    const value = Number(number);
    // Of no number at all it is 0, too.
    if (value === 0) throw malformed('a number that is not plain', this.#at);
    this.#at += number.length;
    return value;
  }

  #readInteger(): number | bigint {
    const text = this.#text;
    const start = this.#at;
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
    if ((after === POINT || after === 0x65 || after === 0x45) && this.#isUnsigned()) return this.#readFraction();
    // 0123, 1.0, 1e2: parsers disagree on them, so nobody may sign with them.
    if ((text.charCodeAt(first) === ZERO && end > first + 1) || after === POINT || after === 0x65 || after === 0x45)
      throw malformed('a number that is not a plain integer', start);
    if (number === 0 && first > start) throw malformed('-0', start);
    if (end - start > LIMITS.jsonDigits)
      throw new Refusal('limit', `An integer of more than ${LIMITS.jsonDigits} digits.`);
    this.#at = end;
    if (end - first <= EXACT_DIGITS) return first > start ? -number : number;
    const exact = BigInt(text.slice(start, end));
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  }

  #readScalar(code: number): JsonValue {
    const word = WORDS.get(code);
    if (word === undefined || !this.#text.startsWith(word.text, this.#at)) return this.#readInteger();
    this.#at += word.text.length;
    return word.value;
  }

  /** A member's name and its colon. */
  #readName(into: Open, isFirst: boolean): void {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) throw malformed('a member name is missing', this.#at);
    const name = this.#readString();
    if (!isFirst && into.name >= name) this.#canonical = false;
    into.name = name;
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) !== COLON) throw malformed('a colon is missing', this.#at);
    this.#at++;
  }

  #addMember(into: Open, value: JsonValue): void {
    const { name, from } = into;
    let isNew = true;
    if (into.many === undefined && this.#top - from < FEW * 2) {
      for (let i = from; i < this.#top && isNew; i += 2) isNew = this.#waiting[i] !== name;
      this.#waiting[this.#top++] = name;
      this.#waiting[this.#top++] = value;
    } else {
      into.many ??= indexed(this.#waiting, from, this.#top);
      this.#top = from;
      const before = into.many.size;
      isNew = into.many.set(name, value).size > before;
    }
    if (!isNew) throw malformed(`the member ${JSON.stringify(name.slice(0, 40))} stands twice`, this.#at);
  }

  #close({ isArray, many, from }: Open): JsonValue {
    if (many !== undefined) return JsonObject.many(many);
    const members = this.#waiting.slice(from, this.#top);
    this.#top = from;
    return isArray ? members : JsonObject.few(members);
  }

  /** Begins an array or object; returns it where it is empty. */
  #open(isArray: boolean): JsonValue | undefined {
    if (this.#stack.length >= LIMITS.jsonDepth)
      throw new Refusal('limit', `JSON nested deeper than ${LIMITS.jsonDepth}.`);
    this.#at++;
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) === (isArray ? CLOSE_ARRAY : CLOSE_OBJECT)) {
      this.#at++;
      return isArray ? [] : JsonObject.few([]);
    }
    const opened: Open = { isArray, from: this.#top, name: '', many: undefined };
    this.#stack.push(opened);
    if (!isArray) this.#readName(opened, true);
    return undefined;
  }

  /** One value ended: puts it where it belongs and closes what that closes. Returns the document at its end. */
  #put(ended: JsonValue): JsonValue | undefined {
    let value = ended;
    for (;;) {
      if (this.#stack.length === 1 && this.#canonical && value instanceof JsonObject)
        sources.set(value, { bytes: this.#bytes.subarray(this.#memberAt, this.#at), blanks: this.#blanks });
      this.#skipBlanks();
      const into = this.#stack.at(-1);
      if (into === undefined) {
        if (this.#at !== this.#text.length) throw malformed('more follows the document', this.#at);
        return value;
      }
      if (into.isArray) this.#waiting[this.#top++] = value;
      else this.#addMember(into, value);
      const next = this.#text.charCodeAt(this.#at);
      if (next === COMMA) {
        this.#at++;
        if (!into.isArray) {
          this.#skipBlanks();
          this.#readName(into, false);
        }
        return undefined;
      }
      if (next !== (into.isArray ? CLOSE_ARRAY : CLOSE_OBJECT))
        throw malformed(`a comma or ${into.isArray ? ']' : '}'} is missing`, this.#at);
      this.#at++;
      this.#stack.pop();
      value = this.#close(into);
    }
  }
}

/** By their first character. */
const WORDS: ReadonlyMap<number, { readonly text: string; readonly value: boolean | null }> = new Map([
  [0x74, { text: 'true', value: true }],
  [0x66, { text: 'false', value: false }],
  [0x6e, { text: 'null', value: null }],
]);

function indexed(members: readonly JsonValue[], from: number, to: number): Map<string, JsonValue> {
  const index = new Map<string, JsonValue>();
  for (let i = from; i < to; i += 2) index.set(members[i] as string, members[i + 1] ?? null);
  return index;
}
