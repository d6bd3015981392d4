import { MAX_HEADER } from '../pypi/limits.ts';
import { HTML, SIMPLE_HTML, SIMPLE_JSON } from '../pypi/media-types.ts';

/** How a page may be represented. The two HTML forms share their bytes, not their type or ETag. */
export type Format = 'json' | 'html-v1' | 'text-html';
export type Coding = 'identity' | 'gzip' | 'zstd';

/** The form and coding a client gets. */
export interface Choice {
  readonly format: Format;
  readonly coding: Coding;
}

/** PEP 691: in the order preferred where a client likes several equally well and named them. */
const FORMATS: readonly Format[] = ['json', 'html-v1', 'text-html'];

const FORMAT_OF_TYPE: ReadonlyMap<string, Format> = new Map([
  [SIMPLE_JSON, 'json'],
  ['application/vnd.pypi.simple.latest+json', 'json'],
  [SIMPLE_HTML, 'html-v1'],
  ['application/vnd.pypi.simple.latest+html', 'html-v1'],
  [HTML, 'text-html'],
]);

const FORMATS_OF_RANGE: ReadonlyMap<string, readonly Format[]> = new Map([
  ['application/*', ['json', 'html-v1']],
  ['text/*', ['text-html']],
  ['*/*', FORMATS],
]);

interface Wish {
  readonly q: number;
  /** RFC 9110 §12.5.1, the most specific range decides: 2 an exact type, 1 any subtype, 0 anything. */
  readonly specificity: number;
}

/**
 * The representation to answer with, from Accept (repeated lines joined by commas) and `?format=`, which wins (PEP 691).
 * No Accept, or any type alike, means text/html; undefined means 406. Never throws; linear in the header.
 */
export function chooseFormat(accept: string | undefined, formatParam?: string | undefined): Format | undefined {
  // A query parser turns the `+` of the media type into a space.
  if (formatParam !== undefined) return FORMAT_OF_TYPE.get(formatParam.trim().toLowerCase().replace(' ', '+'));
  const wishes = new Map<Format, Wish>();
  let ranges = 0;
  for (const [range, q] of listed(accept)) {
    if (!range.includes('/')) continue;
    ranges++;
    const exact = FORMAT_OF_TYPE.get(range);
    const specificity = exact !== undefined ? 2 : range === '*/*' ? 0 : 1;
    for (const format of exact === undefined ? (FORMATS_OF_RANGE.get(range) ?? []) : [exact]) {
      const before = wishes.get(format);
      const better =
        before === undefined ||
        specificity > before.specificity ||
        (specificity === before.specificity && q > before.q);
      if (better) wishes.set(format, { q, specificity });
    }
  }
  return ranges === 0 ? 'text-html' : best(wishes);
}

function best(wishes: ReadonlyMap<Format, Wish>): Format | undefined {
  let chosen: Format | undefined;
  let top: Wish = { q: 0, specificity: -1 };
  for (const format of FORMATS) {
    const wish = wishes.get(format);
    if (wish === undefined || wish.q === 0) continue;
    const named = wish.specificity > top.specificity;
    // `*/*` alone is a person or a tool older than PEP 691: HTML.
    const humble = wish.specificity === 0 && top.specificity === 0 && format === 'text-html';
    if (wish.q > top.q || (wish.q === top.q && (named || humble))) {
      chosen = format;
      top = wish;
    }
  }
  return chosen;
}

/**
 * The coding to answer with: gzip and zstd only where the client names them with q > 0, zstd where it likes both alike.
 * Identity is always there: better a plain page than 406.
 */
export function chooseCoding(acceptEncoding: string | undefined): Coding {
  const q: Record<Coding, number> = { identity: 0, gzip: 0, zstd: 0 };
  for (const [name, quality] of listed(acceptEncoding)) {
    const coding = name === 'x-gzip' ? 'gzip' : name;
    if (coding === 'identity' || coding === 'gzip' || coding === 'zstd') q[coding] = Math.max(q[coding], quality);
  }
  if (q.zstd > 0 && q.zstd >= q.gzip && q.zstd >= q.identity) return 'zstd';
  if (q.gzip > 0 && q.gzip >= q.identity) return 'gzip';
  return 'identity';
}

/** Whether a client that says this takes one of these types (given in lower case); no Accept takes anything. */
export function acceptsType(accept: string | undefined, types: readonly string[]): boolean {
  let best: Wish | undefined;
  let ranges = 0;
  for (const [range, q] of listed(accept)) {
    if (!range.includes('/')) continue;
    ranges++;
    const specificity = types.includes(range)
      ? 2
      : types.some((type) => range === `${type.split('/')[0]}/*`)
        ? 1
        : range === '*/*'
          ? 0
          : undefined;
    if (specificity === undefined) continue;
    if (best === undefined || specificity > best.specificity || (specificity === best.specificity && q > best.q))
      best = { q, specificity };
  }
  return ranges === 0 || (best?.q ?? 0) > 0;
}

/** Whether this is a browser's: it names text/html, and no form of JSON as much as that. Installers like JSON better, or name nothing. */
export function prefersHtml(accept: string | undefined): boolean {
  const { html, json } = named(accept);
  return html > json;
}

/** Whether a program asks: it names a form of JSON, and text/html less. A browser, and whoever takes anything, get what people read. */
export function prefersJson(accept: string | undefined): boolean {
  const { html, json } = named(accept);
  return json > html;
}

/** How much each of the two is liked by name. */
function named(accept: string | undefined): Readonly<Record<'html' | 'json', number>> {
  let html = 0;
  let json = 0;
  for (const [range, q] of listed(accept)) {
    if (range === HTML) html = Math.max(html, q);
    else if (/[/+]json$/.test(range)) json = Math.max(json, q);
  }
  return { html, json };
}

// RFC 9110 §12.4.2, lenient about the number of digits.
const QUALITY = /^(?:0(?:\.[0-9]*)?|1(?:\.0*)?)$/;

/** The elements of a list header with their weights, in lower case; elements with an impossible weight are left out. */
function* listed(header: string | undefined): Generator<readonly [name: string, q: number]> {
  if (header === undefined) return;
  for (const element of header.slice(0, MAX_HEADER).toLowerCase().split(',')) {
    const [name = '', ...parameters] = element.split(';');
    const token = name.trim();
    if (token === '') continue;
    const q = weight(parameters);
    if (q !== undefined) yield [token, q];
  }
}

function weight(parameters: readonly string[]): number | undefined {
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    if (equals === -1 || parameter.slice(0, equals).trim() !== 'q') continue;
    const value = parameter.slice(equals + 1).trim();
    return QUALITY.test(value) ? Number.parseFloat(value) : undefined;
  }
  return 1;
}
