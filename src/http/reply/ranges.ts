import type { Range } from '../../bytes/range.ts';

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
