import { createHash } from 'node:crypto';
import { alone } from '../bytes/copy-out-of-pool.ts';
import { strongTag } from '../bytes/etag.ts';
import type { ReadonlyBytes } from '../bytes/proof.ts';
import { HTML, SIMPLE_HTML, SIMPLE_JSON } from '../pypi/media-types.ts';
import { type Compressed, compress, compressHere } from './compress.ts';
import type { Coding, Format } from './negotiate.ts';

/** One body, ready to send. */
export interface Body {
  readonly bytes: ReadonlyBytes;
  /** Strong, with quotes; distinct per format and coding, the same in every process for the same content. */
  readonly etag: string;
}

/** What one answer needs. Clients compare the type as it is written, and ask again by the tag. */
export interface Variant {
  /** Exactly what Content-Type says. */
  readonly contentType: string;
  readonly coding: Coding;
  readonly body: Body;
  /** Where upstream counts the changes of its pages (X-PyPI-Last-Serial): the count this one came with. */
  readonly serial?: number | undefined;
}

/** A document drawn in both forms. */
export interface Drawing {
  readonly json: Buffer;
  readonly html: Buffer;
}

/** What every page answer varies by; nothing else may be added (pip does not store `*`). */
export const VARY = 'Accept, Accept-Encoding';

// uv compares these case-sensitively and Poetry takes JSON by equality: no parameter on the first two.
const CONTENT_TYPE: Readonly<Record<Format, string>> = {
  json: SIMPLE_JSON,
  'html-v1': SIMPLE_HTML,
  'text-html': `${HTML}; charset=UTF-8`,
};

const FORMATS: readonly Format[] = ['json', 'html-v1', 'text-html'];
const CODINGS: readonly Coding[] = ['identity', 'gzip', 'zstd'];

type Variants = Readonly<Record<Format, Readonly<Record<Coding, Variant>>>>;

let make: (variants: Variants, size: number) => Page;

/** A project page or project list as it is served: ready-made bodies {JSON, HTML} × {identity, gzip, zstd}. */
export class Page {
  readonly #variants: Variants;
  readonly #size: number;

  private constructor(variants: Variants, size: number) {
    this.#variants = variants;
    this.#size = size;
  }

  static {
    make = (variants, size) => new Page(variants, size);
  }

  static is(value: unknown): value is Page {
    return typeof value === 'object' && value !== null && #variants in value;
  }

  /** Bytes held, for weighing in a cache. */
  get size(): number {
    return this.#size;
  }

  variant(format: Format, coding: Coding): Variant {
    return this.#variants[format][coding];
  }

  /** The same bodies, said to be at upstream's serial. */
  at(serial: number | undefined): Page {
    if (serial === undefined) return this;
    const { json, 'html-v1': html, 'text-html': text } = this.#variants;
    const marked = ({ identity, gzip, zstd }: Variants[Format]) => ({
      identity: { ...identity, serial },
      gzip: { ...gzip, serial },
      zstd: { ...zstd, serial },
    });
    return new Page({ json: marked(json), 'html-v1': marked(html), 'text-html': marked(text) }, this.#size);
  }

  /** Every variant, for whoever stores or compares them. */
  variants(): readonly Variant[] {
    return FORMATS.flatMap((format) => CODINGS.map((coding) => this.#variants[format][coding]));
  }
}

/** Takes the bodies over; nobody writes to them afterwards. Who may import this: test/architecture/makers.ts. */
export function makePage({ json, html }: Bodies): Page {
  const of = (format: Format) => variants(format, format === 'json' ? json : html);
  const sizes = [json, html].flatMap((bodies) => CODINGS.map((coding) => bodies[coding].byteLength));
  return make(
    { json: of('json'), 'html-v1': of('html-v1'), 'text-html': of('text-html') },
    sizes.reduce((sum, bytes) => sum + bytes, 0),
  );
}

/** A drawing in every coding, with the hash its validators are made of. */
interface Codings extends Readonly<Record<Coding, Buffer>> {
  readonly hash: string;
}

/** All that a page is made of, as it may travel between threads. */
export interface Bodies {
  readonly json: Codings;
  readonly html: Codings;
}

/** A drawing's bodies, compressed on zlib's threads. */
export async function bodiesOf({ json, html }: Drawing): Promise<Bodies> {
  const [a, b] = await Promise.all([compress(json), compress(html)]);
  return { json: codings(json, a), html: codings(html, b) };
}

/** The same bodies, made on this very thread. */
export function bodiesHere({ json, html }: Drawing): Bodies {
  return { json: codings(json, compressHere(json)), html: codings(html, compressHere(html)) };
}

/** The tag is the content's own hash, so that replicas and restarts agree and a change of the drawing never goes unseen. */
function codings(identity: Buffer, compressed: Compressed): Codings {
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  return { identity: alone(identity), gzip: alone(compressed.gzip), zstd: alone(compressed.zstd), hash };
}

function variants(format: Format, { hash, ...bodies }: Codings): Readonly<Record<Coding, Variant>> {
  const of = (coding: Coding): Variant => ({
    contentType: CONTENT_TYPE[format],
    coding,
    body: {
      bytes: bodies[coding],
      etag: strongTag(`${hash}-${format}${coding === 'identity' ? '' : `-${coding}`}`),
    },
  });
  return { identity: of('identity'), gzip: of('gzip'), zstd: of('zstd') };
}
