import { Authentic } from '../bytes/authentic.ts';
import { startSha256 } from '../bytes/digest.ts';
import { strongTag } from '../bytes/etag.ts';
import { packFrames, unpackFrames } from '../bytes/frames.ts';
import { mustBe, type ReadonlyBytes } from '../bytes/proof.ts';
import { HTML, SIMPLE_HTML, SIMPLE_JSON } from '../pypi/media-types.ts';
import { type Bodies, hashOfBody } from './bodies.ts';
import { inflate, inflated } from './compress.ts';
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

/** One form's bodies. A lean one lacks the plain body. */
interface FormBodies {
  readonly identity: Uint8Array | undefined;
  readonly gzip: Uint8Array;
  readonly zstd: Uint8Array;
  /** Of the plain body: validators are made of it. */
  readonly hash: string;
  /** Bytes of the plain body. */
  readonly length: number;
}

type Forms = Readonly<Record<Form, FormBodies>>;
type Variants = Readonly<Record<Format, Readonly<Record<Coding, Variant | undefined>>>>;

let make: (forms: Forms) => Page;

/**
 * A project page or project list as it is served: ready-made bodies {JSON, HTML} × {identity, gzip, zstd}. A lean one has no plain
 * bodies, which take most of the room and which hardly a client asks for: they are made again of the compressed ones.
 */
export class Page {
  readonly #forms: Forms;
  readonly #variants: Variants;
  readonly #plain: Readonly<Record<Format, Variant<BodyFacts>>>;
  /** Plain bodies that are being made: once for all who wait. */
  readonly #making = new Map<Form, Promise<Page>>();

  private constructor(forms: Forms, serial: number | undefined) {
    this.#forms = forms;
    this.#variants = {
      json: variantsOf('json', forms.json, serial),
      'html-v1': variantsOf('html-v1', forms.html, serial),
      'text-html': variantsOf('text-html', forms.html, serial),
    };
    this.#plain = {
      json: plainOf('json', forms.json, serial),
      'html-v1': plainOf('html-v1', forms.html, serial),
      'text-html': plainOf('text-html', forms.html, serial),
    };
  }

  static {
    make = (forms) => new Page(forms, undefined);
  }

  static is(value: unknown): value is Page {
    return typeof value === 'object' && value !== null && #variants in value;
  }

  /** Bytes held, for weighing in a cache. */
  get size(): number {
    const { json, html } = this.#forms;
    return [json, html]
      .flatMap(({ identity, gzip, zstd }) => [identity?.byteLength ?? 0, gzip.byteLength, zstd.byteLength])
      .reduce((sum, bytes) => sum + bytes, 0);
  }

  /** True where this body is at hand. */
  has({ format, coding }: Choice): boolean {
    return this.#variants[format][coding] !== undefined;
  }

  /** Throws TypeError for a body that is not at hand. */
  variant(format: Format, coding: Coding): Variant {
    const variant = this.#variants[format][coding];
    if (variant === undefined) throw new TypeError(`This page has no ${format} body in ${coding} at hand.`);
    return variant;
  }

  /** What headers say of the plain body, at hand or not. */
  plainFacts(format: Format): Variant<BodyFacts> {
    return this.#variants[format].identity ?? this.#plain[format];
  }

  /** The plain body piece by piece, however large it is. Its last piece comes when all of it is what was compressed. */
  async *plain(format: Format): AsyncGenerator<Uint8Array, void, undefined> {
    const { identity, gzip, hash } = this.#forms[formOf(format)];
    if (identity !== undefined) return yield identity;
    const hashing = startSha256();
    let last: Uint8Array | undefined;
    for await (const piece of inflated(gzip)) {
      if (last !== undefined) yield last;
      hashing.update(piece);
      last = piece;
    }
    if (!hashing.hex().startsWith(hash)) throw new Error('a body in memory is not what it was compressed from');
    if (last !== undefined) yield last;
  }

  /** The same page with this body at hand. */
  async with(choice: Choice): Promise<Page> {
    if (this.has(choice)) return this;
    const form = formOf(choice.format);
    const making = this.#making.get(form) ?? this.#withPlain(form).finally(() => this.#making.delete(form));
    this.#making.set(form, making);
    return making;
  }

  /** The same page without its plain bodies. */
  lean(): Page {
    const { json, html } = this.#forms;
    return new Page({ json: { ...json, identity: undefined }, html: { ...html, identity: undefined } }, this.#serial);
  }

  /** The same bodies, said to be at upstream's serial. */
  at(serial: number | undefined): Page {
    return serial === undefined ? this : new Page(this.#forms, serial);
  }

  /** Every variant at hand, for whoever compares them. */
  variants(): readonly Variant[] {
    return FORMATS.flatMap((format) => CODINGS.map((coding) => this.#variants[format][coding])).filter(
      (variant) => variant !== undefined,
    );
  }

  /** The lean page and a note of the caller's, as bytes: `restorePage` makes them again. */
  packed(note: string): Uint8Array {
    const { json, html } = this.#forms;
    const facts = [json, html].map(({ hash, length }) => `${hash} ${length}`).join('\n');
    return packFrames([Buffer.from(note), Buffer.from(facts), json.gzip, json.zstd, html.gzip, html.zstd]);
  }

  get #serial(): number | undefined {
    return this.#variants.json.gzip?.serial;
  }

  async #withPlain(form: Form): Promise<Page> {
    const { gzip, hash, length } = this.#forms[form];
    const identity = await inflate(gzip, length);
    if (hashOfBody(identity) !== hash) throw new Error('a body in memory is not what it was compressed from');
    return new Page({ ...this.#forms, [form]: { ...this.#forms[form], identity } }, this.#serial);
  }
}

/** Takes the bodies over; nobody writes to them afterwards. Who may import this: test/architecture/makers.ts. */
export function makePage({ json, html }: Bodies): Page {
  return make({ json, html });
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
  const page = make({
    json: { ...jsonFacts, identity: undefined, gzip: jsonGzip, zstd: jsonZstd },
    html: { ...htmlFacts, identity: undefined, gzip: htmlGzip, zstd: htmlZstd },
  });
  return { page, note: note.toString() };
}

const FACTS = /^([0-9a-f]{32}) ([0-9]{1,15})$/;

function factsOf(line: string): Pick<FormBodies, 'hash' | 'length'> | undefined {
  const [, hash, length] = FACTS.exec(line) ?? [];
  return hash === undefined ? undefined : { hash, length: Number(length) };
}

function variantsOf(format: Format, bodies: FormBodies, serial: number | undefined): Variants[Format] {
  const of = (coding: Coding): Variant | undefined => {
    const bytes = bodies[coding];
    if (bytes === undefined) return undefined;
    return described(format, coding, { bytes, etag: tagOf(bodies, format, coding), length: bytes.byteLength }, serial);
  };
  return { identity: of('identity'), gzip: of('gzip'), zstd: of('zstd') };
}

function plainOf(format: Format, bodies: FormBodies, serial: number | undefined): Variant<BodyFacts> {
  const { length } = bodies;
  return described(format, 'identity', { etag: tagOf(bodies, format, 'identity'), length }, serial);
}

function tagOf({ hash }: FormBodies, format: Format, coding: Coding): string {
  return strongTag(`${hash}-${format}${coding === 'identity' ? '' : `-${coding}`}`);
}

function described<B>(format: Format, coding: Coding, body: B, serial: number | undefined): Variant<B> {
  const variant = { contentType: CONTENT_TYPE[format], coding, body };
  return serial === undefined ? variant : { ...variant, serial };
}

function formOf(format: Format): Form {
  return format === 'json' ? 'json' : 'html';
}
