import type { Range } from '../../bytes/blob.ts';
import { MAX_ETAGS } from '../limits.ts';

/** What of a file is wanted: all of it, a part, or a part that does not exist (416). */
export type Wanted = 'whole' | Range | 'unsatisfiable';

const ONE_RANGE = /^bytes=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/i;

/**
 * RFC 9110 §14.2. Other units, several ranges and malformed ones are ignored, as the norm allows: the whole answers
 * every one of them rightly. Nothing of an empty file can be named, so there it is the whole, too.
 */
export function readRange(header: string | undefined, size: number): Wanted {
  const match = header === undefined || size === 0 ? undefined : ONE_RANGE.exec(header);
  if (match === undefined || match === null) return 'whole';
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
  }
  const start = Number(first);
  if (last !== undefined && last !== '' && Number(last) < start) return 'whole';
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' || last === undefined ? size : Math.min(Number(last) + 1, size) };
}

/** RFC 9110 §13.1.5: strong comparison only. A date never matches, because no Last-Modified is sent. */
export function mayRange(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange.trim() === etag;
}

// RFC 9110 §8.8.3; sticky, so that a list is walked once.
const ELEMENT = /[ \t,]*(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)/y;

/** RFC 9110 §13.1.2: true where the client already holds this (weak comparison, lists, `*`). */
export function holdsAlready(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true;
  const list = ifNoneMatch.slice(0, MAX_ETAGS);
  ELEMENT.lastIndex = 0;
  for (let match = ELEMENT.exec(list); match !== null; match = ELEMENT.exec(list)) {
    if (match[1] === etag) return true;
  }
  return false;
}
