import { isUtf8 } from 'node:buffer';
import { Refusal, type Subject } from './refusal.ts';

/** What one document may ask of its reader. */
export interface JsonLimits {
  /** What it is called where it is refused: "The page". */
  readonly what: string;
  readonly subject: Subject;
  /** Objects and arrays inside each other. */
  readonly depth: number;
  /** Objects, arrays and scalars together. */
  readonly values: number;
  /** Bytes of a value that is made whole. */
  readonly piece: number;
}

/**
 * Reads JSON piece by piece, in the order written, out of the bytes themselves: nothing is made of what nobody asks for.
 * `JSON.parse` makes all of a document at once, inside V8, where neither a limit of its heap nor another thread can stop
 * it: 32 MiB of `{},{},…` are a gigabyte. As strict as it is; of members with one name both are visited.
 */
export interface JsonPieces {
  readonly kind: 'object' | 'array' | 'other';
  /** Walks an object; what `visit` leaves unread is passed over. */
  members(visit: (name: string) => void): void;
  /** Walks an array; what `visit` leaves unread is passed over. */
  elements(visit: () => void): void;
  /** The same two for whoever pauses in between. */
  eachMember(): Iterable<string>;
  eachElement(): Iterable<undefined>;
  /** Makes the next value whole. Throws `limit` where it is longer than a piece may be. */
  value(): unknown;
  /** The same, or undefined where it is longer: it is passed over then. */
  pieceOrNone(): { readonly value: unknown } | undefined;
  /** After the last value: nothing else may follow. */
  end(): void;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LETTER_U = 0x75;
const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
const WORDS: ReadonlyMap<number, string> = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), word]));

/** Refuses `format` for what is no well-formed UTF-8 or JSON, and `limit` for what asks too much, as far as it is read. */
export function openJson(bytes: Uint8Array, limits: JsonLimits): JsonPieces {
  if (!isUtf8(bytes)) throw refused(limits, 'format', 'is not well-formed UTF-8');
  return new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), limits);
}

class Reader implements JsonPieces {
  readonly #bytes: Buffer;
  readonly #limits: JsonLimits;
  #at: number;
  #depth = 0;
  #values = 0;

  constructor(bytes: Buffer, limits: JsonLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
    // A byte order mark before the document is none of it.
    this.#at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  }

  get kind(): 'object' | 'array' | 'other' {
    const byte = this.#next();
    return byte === OPEN_OBJECT ? 'object' : byte === OPEN_ARRAY ? 'array' : 'other';
  }

  members(visit: (name: string) => void): void {
    for (const name of this.eachMember()) visit(name);
  }

  elements(visit: () => void): void {
    for (const _ of this.eachElement()) visit();
  }

  *eachMember(): Generator<string, void, undefined> {
    for (const _ of this.#each(OPEN_OBJECT, CLOSE_OBJECT)) {
      const name = this.#name();
      const before = this.#at;
      yield name;
      if (this.#at === before) this.#skip();
    }
  }

  *eachElement(): Generator<undefined, void, undefined> {
    for (const _ of this.#each(OPEN_ARRAY, CLOSE_ARRAY)) {
      const before = this.#at;
      yield;
      if (this.#at === before) this.#skip();
    }
  }

  value(): unknown {
    const found = this.pieceOrNone();
    if (found === undefined)
      throw refused(this.#limits, 'limit', `has one value of more than ${this.#limits.piece} bytes`);
    return found.value;
  }

  pieceOrNone(): { readonly value: unknown } | undefined {
    this.#next();
    const start = this.#at;
    this.#skip();
    if (this.#at - start > this.#limits.piece) return undefined;
    return { value: JSON.parse(this.#bytes.toString('utf8', start, this.#at)) };
  }

  end(): void {
    if (this.#next() !== undefined) throw this.#malformed();
  }

  /** Past the blanks before each, so that a look at the kind of a value is no reading. */
  *#each(open: number, close: number): Generator<undefined, void, undefined> {
    if (this.#next() !== open) throw this.#malformed();
    this.#count();
    this.#enter();
    this.#at++;
    if (this.#next() === close) this.#at++;
    else
      for (;;) {
        yield;
        const byte = this.#next();
        this.#at++;
        if (byte === close) break;
        if (byte !== COMMA) throw this.#malformed();
        this.#next();
      }
    this.#depth--;
  }

  /** Passes over one value, judged as strictly as one that is made, without a recursion of its own. */
  #skip(): void {
    const open: number[] = [];
    for (;;) {
      const byte = this.#next();
      this.#count();
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        this.#enter();
        this.#at++;
        const close = byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
        if (this.#next() !== close) {
          open.push(close);
          if (close === CLOSE_OBJECT) this.#passName();
          continue;
        }
        this.#at++;
        this.#depth--;
      } else if (byte === QUOTE) this.#passString();
      else this.#passScalar(byte);
      if (this.#isEnded(open)) return;
    }
  }

  /** After a value: true where it was the last of all that are open; else another follows. */
  #isEnded(open: number[]): boolean {
    for (;;) {
      const close = open.at(-1);
      if (close === undefined) return true;
      const byte = this.#next();
      this.#at++;
      if (byte === COMMA) {
        if (close === CLOSE_OBJECT) {
          this.#next();
          this.#passName();
        }
        return false;
      }
      if (byte !== close) throw this.#malformed();
      open.pop();
      this.#depth--;
    }
  }

  #name(): string {
    const start = this.#at;
    this.#passString();
    const { piece } = this.#limits;
    if (this.#at - start > piece) throw refused(this.#limits, 'limit', `has a name of more than ${piece} bytes`);
    const quoted = this.#bytes.toString('utf8', start, this.#at);
    this.#passColon();
    return quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1);
  }

  #passName(): void {
    this.#passString();
    this.#passColon();
  }

  #passColon(): void {
    if (this.#next() !== COLON) throw this.#malformed();
    this.#at++;
    this.#next();
  }

  #passString(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    if (bytes[at] !== QUOTE) throw this.#malformed();
    for (at++; ; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) break;
      // The end of the document, or a control character.
      if (byte === undefined || byte < 0x20) throw this.#malformed();
      if (byte === BACKSLASH) at = this.#escape(at + 1);
    }
    this.#at = at + 1;
  }

  /** The last byte of the escape. */
  #escape(at: number): number {
    const byte = this.#bytes[at];
    if (byte !== undefined && ESCAPES.has(byte)) return at;
    if (byte !== LETTER_U || !/^[0-9a-fA-F]{4}$/.test(this.#bytes.toString('latin1', at + 1, at + 5)))
      throw this.#malformed();
    return at + 4;
  }

  #passScalar(byte: number | undefined): void {
    const word = byte === undefined ? undefined : WORDS.get(byte);
    if (word === undefined) this.#passNumber();
    else if (this.#bytes.toString('latin1', this.#at, this.#at + word.length) === word) this.#at += word.length;
    else throw this.#malformed();
  }

  #passNumber(): void {
    if (this.#bytes[this.#at] === MINUS) this.#at++;
    const first = this.#bytes[this.#at];
    const digits = this.#passDigits();
    if (first === ZERO && digits > 1) throw this.#malformed();
    if (this.#bytes[this.#at] === 0x2e) {
      this.#at++;
      this.#passDigits();
    }
    // e, E
    if (((this.#bytes[this.#at] ?? 0) | 0x20) !== 0x65) return;
    this.#at++;
    // +, -
    if (this.#bytes[this.#at] === 0x2b || this.#bytes[this.#at] === MINUS) this.#at++;
    this.#passDigits();
  }

  /** How many; at least one. */
  #passDigits(): number {
    const start = this.#at;
    for (let byte = this.#bytes[start]; byte !== undefined && byte >= ZERO && byte <= ZERO + 9; )
      byte = this.#bytes[++this.#at];
    if (this.#at === start) throw this.#malformed();
    return this.#at - start;
  }

  /** The next byte that is no blank; undefined at the end. */
  #next(): number | undefined {
    let byte = this.#bytes[this.#at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = this.#bytes[++this.#at];
    return byte;
  }

  #count(): void {
    const { values } = this.#limits;
    if (++this.#values > values) throw refused(this.#limits, 'limit', `holds more than ${values} values`);
  }

  #enter(): void {
    const { depth } = this.#limits;
    if (++this.#depth > depth) throw refused(this.#limits, 'limit', `nests deeper than ${depth} levels`);
  }

  #malformed(): Refusal {
    return refused(this.#limits, 'format', 'is not JSON');
  }
}

function refused({ what, subject }: JsonLimits, reason: 'format' | 'limit', how: string): Refusal {
  return new Refusal(reason, `${what} ${how}.`, { subject });
}
