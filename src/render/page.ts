import { Authentic } from '../bytes/authentic.ts';
import { startSha256 } from '../bytes/digest.ts';
import { strongTag } from '../bytes/etag.ts';
import { existing } from '../bytes/existing.ts';
import { packFrames, unpackFrames } from '../bytes/frames.ts';
import { mustBe, type ReadonlyBytes } from '../bytes/proof.ts';
import { HTML, SIMPLE_HTML, SIMPLE_JSON } from '../pypi/media-types.ts';
import type { Bodies } from './bodies.ts';
import { inflated } from './compress.ts';
import { FormBodies, type FormFacts } from './form-bodies.ts';
import type { Choice, Coding, Format } from './negotiate.ts';

/** What headers say of a body. */
export interface BodyFacts {
  /** Strong, with quotes; distinct per format and coding, the same in every process for the same content. */
  readonly etag: string;
  readonly length: number;
}

/** One body, ready to send. */
export interface Body extends BodyFacts {
  readonly bytes: ReadonlyBytes;
}

/** What one answer needs. Clients compare the type as it is written, and ask again by the tag. */
export interface Variant<B = Body> {
  /** Exactly what Content-Type says. */
  readonly contentType: string;
  readonly coding: Coding;
  readonly body: B;
  /** Where upstream counts the changes of its pages (X-PyPI-Last-Serial): the count this one came with. */
  readonly serial?: number | undefined;
}

/** What every page answer varies by; nothing else may be added (pip does not store `*`). */
export const VARY = 'Accept, Accept-Encoding';

/** What bytes are sealed for that a page is made of again. */
export const PACKED_PAGE = 'drawn page';

// uv compares these case-sensitively and Poetry takes JSON by equality: no parameter on the first two.
const CONTENT_TYPE: Readonly<Record<Format, string>> = {
  json: SIMPLE_JSON,
  'html-v1': SIMPLE_HTML,
  'text-html': `${HTML}; charset=UTF-8`,
};

const FORMATS: readonly Format[] = ['json', 'html-v1', 'text-html'];
const CODINGS: readonly Coding[] = ['identity', 'gzip', 'zstd'];

/** What is drawn: the two HTML formats share their bodies. */
type Form = 'json' | 'html';

type Forms = Readonly<Record<Form, FormBodies>>;
type Variants = Record<Format, Partial<Record<Coding, Variant>>>;

let make: (forms: Forms) => Page;

/**
 * A project page or project list as it is served: bodies {JSON, HTML} × {identity, gzip, zstd}, each made at most once while the page
 * is in use. A lean one has no plain bodies, which take most of the room and which hardly a client asks for: they are made again of
 * the compressed ones.
 */
export class Page {
  readonly #forms: Forms;
  readonly #serial: number | undefined;
  /** Each is made when it is first asked for, and stays the same: headers are prepared for it. */
  readonly #variants: Variants = { json: {}, 'html-v1': {}, 'text-html': {} };
  readonly #plain: Partial<Record<Format, Variant<BodyFacts>>> = {};
  /** Bodies that are being made: once for all who wait. */
  readonly #making = new Map<string, Promise<Page>>();

  private constructor(forms: Forms, serial: number | undefined) {
    this.#forms = forms;
    this.#serial = serial;
  }

  static {
    make = (forms) => new Page(forms, undefined);
  }

  static is(value: unknown): value is Page {
    return typeof value === 'object' && value !== null && #variants in value;
  }

  /** Bytes held, and set aside for bodies that are compressed later; for weighing in a cache. */
  get size(): number {
    return this.#forms.json.size + this.#forms.html.size;
  }

  /** Bytes of the plain bodies, at hand or not. */
  get plainSize(): number {
    return this.#forms.json.length + this.#forms.html.length;
  }

  /** True where this body is at hand. */
  has({ format, coding }: Choice): boolean {
    return this.#forms[formOf(format)].at(coding) !== undefined;
  }

  /** Throws for a body that is not at hand. */
  variant(format: Format, coding: Coding): Variant {
    const known = this.#variants[format][coding];
    if (known !== undefined) return known;
    const made = this.#forms[formOf(format)].at(coding);
    const bytes = existing(made, `this page has no ${format} body in ${coding} at hand`);
    const body = { bytes, etag: this.#tagOf(format, coding), length: bytes.byteLength };
    const variant = this.#described(format, coding, body);
    this.#variants[format][coding] = variant;
    return variant;
  }

  /** What headers say of the plain body, at hand or not. */
  plainFacts(format: Format): Variant<BodyFacts> {
    if (this.has({ format, coding: 'identity' })) return this.variant(format, 'identity');
    const known = this.#plain[format];
    if (known !== undefined) return known;
    const { length } = this.#forms[formOf(format)];
    const facts = this.#described(format, 'identity', { etag: this.#tagOf(format, 'identity'), length });
    this.#plain[format] = facts;
    return facts;
  }

  /** The plain body piece by piece, however large it is. Its last piece comes when all of it is what was compressed. */
  async *plain(format: Format): AsyncGenerator<Uint8Array, void, undefined> {
    const form = this.#forms[formOf(format)];
    if (form.identity !== undefined) return yield form.identity;
    const hashing = startSha256();
    let last: Uint8Array | undefined;
    for await (const piece of inflated(form.compressed('gzip'))) {
      if (last !== undefined) yield last;
      hashing.update(piece);
      last = piece;
    }
    if (!hashing.hex().startsWith(form.hash)) throw new Error('a body in memory is not what it was compressed from');
    if (last !== undefined) yield last;
  }

  /** The same page with this body at hand: this one, except where the body is a lean page's plain one. */
  async with(choice: Choice): Promise<Page> {
    if (this.has(choice)) return this;
    const form = formOf(choice.format);
    const key = `${form} ${choice.coding}`;
    const making = this.#making.get(key) ?? this.#with(form, choice.coding).finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }

  /** The same page without its plain bodies. */
  lean(): Page {
    const { json, html } = this.#forms;
    return new Page({ json: json.lean(), html: html.lean() }, this.#serial);
  }

  /** The same bodies, said to be at upstream's serial. */
  at(serial: number | undefined): Page {
    return serial === undefined ? this : new Page(this.#forms, serial);
  }

  /** Every variant at hand, for whoever compares them. */
  variants(): readonly Variant[] {
    return FORMATS.flatMap((format) =>
      CODINGS.filter((coding) => this.has({ format, coding })).map((coding) => this.variant(format, coding)),
    );
  }

  /** The lean page and a note of the caller's, as bytes: `restorePage` makes them again. Of a coding that nobody has asked for yet there is nothing. */
  packed(note: string): Uint8Array {
    const { json, html } = this.#forms;
    const facts = [json, html].map(({ hash, length }) => `${hash} ${length}`).join('\n');
    const bodies = [json, html].flatMap((form) => [form.compressed('gzip'), form.at('zstd') ?? NOTHING]);
    return packFrames([Buffer.from(note), Buffer.from(facts), ...bodies]);
  }

  #tagOf(format: Format, coding: Coding): string {
    return strongTag(`${this.#forms[formOf(format)].hash}-${format}${coding === 'identity' ? '' : `-${coding}`}`);
  }

  #described<B>(format: Format, coding: Coding, body: B): Variant<B> {
    const variant = { contentType: CONTENT_TYPE[format], coding, body };
    return this.#serial === undefined ? variant : { ...variant, serial: this.#serial };
  }

  async #with(form: Form, coding: Coding): Promise<Page> {
    const bodies = await this.#forms[form].with(coding);
    return bodies === this.#forms[form] ? this : new Page({ ...this.#forms, [form]: bodies }, this.#serial);
  }
}

function formOf(format: Format): Form {
  return format === 'json' ? 'json' : 'html';
}

/** Takes the bodies over; nobody writes to them afterwards. Who may import this: test/architecture/makers.ts. */
export function makePage({ json, html }: Bodies): Page {
  return make({ json: new FormBodies(json, json), html: new FormBodies(html, html) });
}

/**
 * The page that `packed` packed, lean, with the note beside it; undefined where another program packed it otherwise. Only bytes that
 * bear our own seal for this use are taken. Who may import this: test/architecture/makers.ts.
 */
export function restorePage(sealed: Authentic): { readonly page: Page; readonly note: string } | undefined {
  const { use, bytes } = mustBe(Authentic, sealed);
  if (use !== PACKED_PAGE) throw new TypeError('These bytes were sealed for another use than to be a page.');
  const [note, facts, ...bodies] = unpackFrames(bytes) ?? [];
  const [jsonFacts, htmlFacts] = (facts?.toString() ?? '').split('\n').map(factsOf);
  const [jsonGzip, jsonZstd, htmlGzip, htmlZstd, ...more] = bodies;
  if (note === undefined || jsonFacts === undefined || htmlFacts === undefined || more.length > 0) return undefined;
  if (jsonGzip === undefined || jsonZstd === undefined || htmlGzip === undefined || htmlZstd === undefined)
    return undefined;
  const there = (body: Buffer) => (body.byteLength === 0 ? undefined : body);
  const page = make({
    json: new FormBodies(jsonFacts, { gzip: jsonGzip, zstd: there(jsonZstd) }),
    html: new FormBodies(htmlFacts, { gzip: htmlGzip, zstd: there(htmlZstd) }),
  });
  return { page, note: note.toString() };
}

const NOTHING = new Uint8Array();

const FACTS = /^([0-9a-f]{32}) ([0-9]{1,15})$/;

function factsOf(line: string): FormFacts | undefined {
  const [, hash, length] = FACTS.exec(line) ?? [];
  return hash === undefined ? undefined : { hash, length: Number(length) };
}
