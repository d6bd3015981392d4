import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CROWDED_FROM, FULL_FROM, type OldItems } from '../../ports/state-room.ts';
import { bytesOf, integerOf, openDatabase, textOf } from '../database/sqlite.ts';
import { partOf } from './contents.ts';
import { itemOf } from './item-path.ts';
import type { StateSource } from './state-scan.ts';

// The room that an index's database takes, and which of its pages were written longest ago.

/** What is counted of a version. Of nothing, `substr` makes NULL. */
export const SIZED = "octet_length(value) AS bytes, coalesce(substr(value, 1, 1), x'') AS first";

interface RoomStatements {
  readonly pages: StatementSync;
  readonly free: StatementSync;
  readonly pageBytes: number;
}

export function roomStatements(database: DatabaseSync): RoomStatements {
  return {
    pages: database.prepare('PRAGMA page_count'),
    free: database.prepare('PRAGMA freelist_count'),
    pageBytes: integerOf(database.prepare('PRAGMA page_size').get()?.['page_size']),
  };
}

/** Bytes in use; what was given back within the file is used again. */
export function usedBytes({ pages, free, pageBytes }: RoomStatements): number {
  const given = integerOf(free.get()?.['freelist_count']);
  return (integerOf(pages.get()?.['page_count']) - given) * pageBytes;
}

/** Of a database that may have so many bytes. */
export function roomIn(statements: RoomStatements, maxBytes: number) {
  const used = usedBytes(statements);
  return { isCrowded: used >= maxBytes * CROWDED_FROM, isFull: used >= maxBytes * FULL_FROM };
}

export interface OldestRequest extends StateSource {
  /** The row to go on behind; 0 for the first. */
  readonly after: number;
}

const WAIT_MS = 10_000;
/** Rows looked at by one call: some milliseconds. */
const ROWS = 2000;
/** Pages told by one call: whoever lets them go looks between two calls whether that is enough. */
const MOST = 16;
const PAGES = { from: 'pages/', to: 'pages0' };

/**
 * Whole pages in the order in which they were written: a page that is in use is written again within the hour, so that this
 * is the order of their last use, too. In a thread.
 */
export function oldestPages({ place, access, index, after }: OldestRequest): OldItems {
  const database = openDatabase(place.path, { access, synchronous: 'FULL', waitMs: WAIT_MS });
  try {
    const rows = database
      .prepare(
        `SELECT id, path, version, CASE WHEN path >= ? AND path < ? THEN substr(value, 1, 1) END AS first FROM item WHERE id > ? AND length(path) <= 8192 ORDER BY id LIMIT ${ROWS}`,
      )
      .all(PAGES.from, PAGES.to, after);
    const items: OldItems['items'][number][] = [];
    let last = after;
    for (const { id, path: text, version, first } of rows) {
      last = integerOf(id);
      if (first === null) continue;
      const path = textOf(text);
      if (partOf(path, bytesOf(first)[0]) === 'pages')
        items.push({ item: itemOf(index, path), version: integerOf(version) });
      if (items.length === MOST) return { items, next: last, isEnd: false };
    }
    return { items, next: last, isEnd: rows.length < ROWS };
  } finally {
    database.close();
  }
}
