import { type ContentPath, contentPath } from '../bytes/content-path.ts';
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
