import { MAX_TARGET } from './limits.ts';

/** What a request line asks for, taken apart once and strictly; nothing later decodes again. */
export interface Target {
  /** As sent, without the query: what routes are matched against. */
  readonly path: string;
  /** Between the slashes, percent-decoded once. The last is empty where the path ends in a slash. */
  readonly segments: readonly string[];
  /** True where a segment holds a slash that was sent as %2F. */
  readonly escapedSlash: boolean;
  /** The value of `format` (PEP 691); installers' addresses have no other key. */
  readonly format: string | undefined;
  /** As sent, without the question mark. */
  readonly query: string;
}

/** `clean` is the same path without empty segments; it begins with exactly one slash. */
export type ReadTarget =
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'double-slash'; readonly clean: string }
  | { readonly kind: 'malformed' | 'too-long' | 'absent' };

// RFC 3986 §3.3, and a few characters that clients send unescaped though they should not. No backslash, control or `#`.
const PATH = /^\/[\x21\x22\x24-\x5b\x5d-\x7e]*$/;
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/** Reads the target of a request line (RFC 9112 §3.2.1, §3.2.2). Linear, never throws. */
export function readTarget(raw: string): ReadTarget {
  if (raw.length > MAX_TARGET) return { kind: 'too-long' };
  const url = raw.startsWith('/') ? raw : raw.replace(ABSOLUTE_FORM, '') || '/';
  const question = url.indexOf('?');
  const path = question === -1 ? url : url.slice(0, question);
  if (!PATH.test(path)) return { kind: 'malformed' };
  const sent = path.slice(1).split('/');
  const segments: string[] = [];
  for (const segment of sent) {
    const decoded = decodeSegment(segment);
    if (decoded === undefined) return { kind: 'malformed' };
    segments.push(decoded);
  }
  // Looked up and never walked, but a path that climbs is no honest client's.
  if (segments.some((segment) => segment === '.' || segment.split('/').includes('..'))) return { kind: 'absent' };
  if (sent.slice(0, -1).includes(''))
    return { kind: 'double-slash', clean: `/${path.split('/').filter(Boolean).join('/')}${trailing(path)}` };
  const escapedSlash = segments.some((segment) => segment.includes('/'));
  const query = question === -1 ? '' : url.slice(question + 1);
  return { kind: 'target', target: { path, segments, escapedSlash, format: valueIn(query, 'format'), query } };
}

function trailing(path: string): string {
  return path.endsWith('/') && /[^/]/.test(path) ? '/' : '';
}

/** Undefined for a lone `%`, bytes that are no UTF-8, control characters and backslashes. */
function decodeSegment(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    const decoded = decodeURIComponent(segment);
    return /[\\\u0000-\u001f\u007f-\u009f]/.test(decoded) ? undefined : decoded;
  } catch {
    return undefined;
  }
}

/** The first value that a query has for a key; a malformed one is empty. */
export function valueIn(query: string, key: string): string | undefined {
  for (let at = 0; at <= query.length; ) {
    const next = query.indexOf('&', at);
    const end = next === -1 ? query.length : next;
    if (query.startsWith(`${key}=`, at)) {
      try {
        return decodeURIComponent(query.slice(at + key.length + 1, end).replaceAll('+', ' '));
      } catch {
        return '';
      }
    }
    at = end + 1;
  }
  return undefined;
}
