import type { StatementSync } from 'node:sqlite';
import { integerOf } from '../database/sqlite.ts';

/** Beside the bytes of a kind lies how many rows there are of it, under its number and this. */
const ROWS = 100;

/** Counts the rows of one kind and their bytes in the `total` table, within the transaction that changes them. */
export class Total {
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  readonly #count: StatementSync;

  constructor(prepare: (sql: string) => StatementSync) {
    this.#read = prepare('SELECT bytes FROM total WHERE kind = ?');
    this.#count = prepare('SELECT count(*) AS count FROM line WHERE kind = ?');
    this.#write = prepare(
      'INSERT INTO total (kind, bytes) VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET bytes = excluded.bytes',
    );
  }

  of(kind: number): number {
    return integerOf(this.#read.get(kind)?.['bytes'] ?? 0);
  }

  rows(kind: number): number {
    return integerOf(this.#read.get(kind + ROWS)?.['bytes'] ?? this.#count.get(kind)?.['count']);
  }

  add(kind: number, rows: number, bytes: number): void {
    // Before the rest, as it counts what was there where nobody has counted yet: those that were added just now are among them.
    this.#write.run(kind + ROWS, this.#read.get(kind + ROWS) === undefined ? this.rows(kind) : this.rows(kind) + rows);
    this.#write.run(kind, Math.max(0, this.of(kind) + bytes));
  }
}
