import { statfs } from 'node:fs/promises';
import type { Writing } from '../../disk/records/record-lines.ts';
import type { Condition } from '../../ports/conditions.ts';

/** Once there is so much more than the limit again, it is over: a disk at its limit is not told of each minute. */
const ENOUGH_AGAIN = 1.1;

/** Bytes that this process may still write to the disk of a directory; undefined where the system does not say. */
export async function freeBytes(directory: string): Promise<number | undefined> {
  return (await diskRoom(directory))?.free;
}

/** The same, and all bytes of that disk. */
export async function diskRoom(
  directory: string,
): Promise<{ readonly free: number; readonly size: number } | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { free: bavail * bsize, size: blocks * bsize };
  } catch {
    return undefined;
  }
}

/** `low`: it was told before that there is little. */
export function diskConditions(
  free: number | undefined,
  { limit, low, data }: { readonly limit: number; readonly low: boolean; readonly data: string },
): readonly Condition[] {
  if (free === undefined || free >= (low ? limit * ENOUGH_AGAIN : limit)) return [];
  const message = `Less than ${megabytes(limit)} MB are free on the disk of ${data} (cache.warn_free_bytes): ${megabytes(free)} MB. Make room, or lower cache.max_bytes.`;
  return [{ what: 'disk', index: '', thing: data, message }];
}

/** `trouble`: why it cannot be written to, in a few words. */
export function unwritableConditions(trouble: string | undefined, data: string): readonly Condition[] {
  if (trouble === undefined) return [];
  const message = `The data directory ${data} cannot be written to (${trouble}): /readyz says so, and what is held is served. Make room, or see to the disk; it is tried again every quarter of a minute.`;
  return [{ what: 'unwritable', index: '', thing: data, message }];
}

/** Of a record whose lines the disk does not take: what it is a record of, and which command reads it. */
const RECORDS = {
  'access-record': { what: 'Who is sent what', since: 'what was sent since', command: 'who' },
  'requests-record': { what: 'What is refused by policy', since: 'what was asked for since', command: 'requests' },
} as const;

/** `lost` lines are gone for good. */
export function recordConditions(record: keyof typeof RECORDS, { trouble, lost }: Writing): readonly Condition[] {
  if (trouble === undefined) return [];
  const { what, since, command } = RECORDS[record];
  const gone = lost === 0 ? `${since} waits in memory` : `${lost} lines of it are lost`;
  const message = `${what} cannot be written down (${trouble}), and ${gone}: "verbatim ${command}" does not know of it. Make room, or see to the disk; it is tried again every second.`;
  return [{ what: record, index: '', thing: '', message }];
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1e6);
}
