import { isDigest } from '../bytes/digest.ts';
import { isFileName } from './names.ts';

/** Where a listed link leads. */
export interface Link {
  /** Absolute, without fragment. */
  readonly url: string;
  /** The last segment, percent-decoded once. */
  readonly filename: string;
  /** Present where the path ends as PyPI's do. */
  readonly content?: ContentPath | undefined;
}

/** PyPI's `aa/bb/rest/FILE`: the first three joined claim to be the file's BLAKE2b-256. */
export interface ContentPath {
  readonly aa: string;
  readonly bb: string;
  readonly rest: string;
}

/** The URL links of a page are relative to: its own, or its `<base href>` where that is http(s). */
export function baseOf(pageUrl: string, base: string | undefined): string {
  if (base === undefined) return pageUrl;
  const url = URL.parse(base, pageUrl);
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : pageUrl;
}

/** Undefined where the link is no plain http(s) URL of a file: another scheme, credentials in it, no file name. */
export function resolveLink(listed: string, base: string): Link | undefined {
  const url = URL.parse(listed, base);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  if (url.hash !== '' || url.href.endsWith('#')) url.hash = '';
  const segments = url.pathname.split('/');
  const filename = decodeOnce(segments.at(-1) ?? '');
  if (filename === undefined || !isFileName(filename)) return undefined;
  const content = contentPath(segments.slice(-4, -1));
  return content === undefined ? { url: url.href, filename } : { url: url.href, filename, content };
}

/** Percent-decoding as a server does it, once; undefined for what is not UTF-8. */
export function decodeOnce(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** Reads `[aa, bb, rest]` as two, two and sixty lower-case hex digits. */
export function contentPath(segments: readonly string[]): ContentPath | undefined {
  const [aa = '', bb = '', rest = ''] = segments;
  if (segments.length !== 3 || aa.length !== 2 || bb.length !== 2) return undefined;
  return isDigest('blake2b-256', aa + bb + rest) ? { aa, bb, rest } : undefined;
}

/** The digest a content path claims. */
export function claimedDigest({ aa, bb, rest }: ContentPath): string {
  return aa + bb + rest;
}
