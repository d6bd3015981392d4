import { join } from 'node:path';
import type { Instant } from '../../bytes/instant.ts';
import type { DatabaseThread } from '../database/database-thread.ts';
import type { EpochNotes } from '../database/epochs.ts';
import { placeOf } from '../database/place.ts';
import { RECORDS_SCHEMA } from '../database/schema.ts';
import { DamagedDatabase, integerOf } from '../database/sqlite.ts';
import type { Durable } from '../durable.ts';
import { LINE_BYTES } from '../limits.ts';
import type { SharedBy } from './line-shares.ts';
import { PlainDatabase } from './plain-database.ts';
import { Total } from './total.ts';

/** The kinds of lines, as they are numbered in the database. */
const KINDS = { journal: 1, access: 2, tally: 3, news: 4, requests: 5 } as const;
export type LineKind = keyof typeof KINDS;
const SHARED_BY: Readonly<Record<LineKind, SharedBy | undefined>> = {
  journal: 'project',
  access: 'client',
  tally: undefined,
  news: 'project',
  requests: 'client',
};
const LINE_KINDS: readonly LineKind[] = ['journal', 'access', 'tally', 'news', 'requests'];

/** A line as it was written, and its place among the others. */
export interface StoredLine {
  readonly id: number;
  readonly content: string;
}

const LINES_AT_ONCE = 500;
/** Most bytes of the file: several times what its lines have where nothing else is said. */
const MAX_BYTES = 1024 ** 3;

/** How much there is of one kind. */
export interface LinesKept {
  readonly kind: LineKind;
  readonly lines: number;
  readonly bytes: number;
}

/**
 * What happened and who was sent what, of all indexes; a power cut may take the last seconds. Beside it the epoch of each
 * index's state, so that state that lost its newest changes (a damaged log does so in silence) is noticed at the next start.
 */
export class RecordsDatabase implements EpochNotes {
  readonly #database: PlainDatabase;

  constructor(durable: Durable, root: string, writing: DatabaseThread | undefined, maxBytes = MAX_BYTES) {
    const place = placeOf(join(root, 'records'), 'records', RECORDS_SCHEMA, {
      holds: 'what happened, who was sent which file, and how new the state of each index was',
      otherwise: 'what cannot be restored is given up by moving the directory it lies in away.',
    });
    this.#database = new PlainDatabase({ durable, place, what: 'records', writing, maxBytes });
  }

  /**
   * Removes lines of the kind beyond `mostBytes`: those of the project or client that has most, or, of tallies, the oldest; and those from before
   * `notBefore`. Throws Refusal.
   */
  async append(kind: LineKind, lines: readonly string[], mostBytes: number, notBefore?: Instant): Promise<void> {
    const ask = { lineKind: KINDS[kind], lines, mostBytes, sharedBy: SHARED_BY[kind], notBefore };
    await this.#database.write((writing, database) => writing.call('append', { database, ...ask }));
  }

  /** Every line of a kind that came after the one of this number, oldest first. Throws Refusal. */
  async *lines(kind: LineKind, after = 0): AsyncIterable<StoredLine> {
    let last = after;
    for (;;) {
      const rows = await this.#database.read((reader) =>
        reader
          .of(
            `SELECT id, CASE WHEN octet_length(content) <= ${LINE_BYTES} THEN content END AS content FROM line WHERE kind = ? AND id > ? ORDER BY id LIMIT ${LINES_AT_ONCE}`,
          )
          .all(KINDS[kind], last),
      );
      if (rows === undefined || rows.length === 0) return;
      for (const { id, content } of rows) {
        const next = integerOf(id);
        if (next <= last) throw new DamagedDatabase('lines are out of order');
        last = next;
        if (typeof content === 'string') yield { id: last, content };
      }
    }
  }

  /** The newest lines of a kind, newest first. Throws Refusal. */
  async latest(kind: LineKind, most: number): Promise<readonly string[]> {
    const rows = await this.#database.read((reader) =>
      reader
        .of(
          `SELECT CASE WHEN octet_length(content) <= ${LINE_BYTES} THEN content END AS content FROM line WHERE kind = ? ORDER BY id DESC LIMIT ?`,
        )
        .all(KINDS[kind], most),
    );
    return (rows ?? []).flatMap(({ content }) => (typeof content === 'string' ? [content] : []));
  }

  /** How many there are of a kind. Throws Refusal. */
  async count(kind: LineKind): Promise<number> {
    const row = await this.#database.read((reader) =>
      reader.of('SELECT count(*) AS count FROM line WHERE kind = ?').get(KINDS[kind]),
    );
    return integerOf(row?.['count'] ?? 0);
  }

  /** As far as it was written. Throws Refusal. */
  async kept(): Promise<readonly LinesKept[]> {
    const found = await this.#database.read((reader) => {
      const total = new Total((sql) => reader.of(sql));
      return LINE_KINDS.map((kind) => ({ kind, lines: total.rows(KINDS[kind]), bytes: total.of(KINDS[kind]) }));
    });
    return found ?? LINE_KINDS.map((kind) => ({ kind, lines: 0, bytes: 0 }));
  }

  async of(index: string): Promise<number> {
    const row = await this.#database.read((reader) => reader.of('SELECT epoch FROM epoch WHERE name = ?').get(index));
    return integerOf(row?.['epoch'] ?? 0);
  }

  async raise(index: string, epoch: number): Promise<void> {
    await this.#database.write((writing, database) => writing.call('noteEpoch', { database, index, epoch }));
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
