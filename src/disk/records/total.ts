import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { integerOf } from '../database/sqlite.ts';

/** Counts the bytes of one kind of row in the `total` table, within the transaction that changes them. */
export class Total {
  readonly #read: StatementSync;
  readonly #write: StatementSync;

  constructor(database: DatabaseSync) {
    this.#read = database.prepare('SELECT bytes FROM total WHERE kind = ?');
    this.#write = database.prepare(
      'INSERT INTO total (kind, bytes) VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET bytes = excluded.bytes',
    );
  }

  of(kind: number): number {
    return integerOf(this.#read.get(kind)?.['bytes'] ?? 0);
  }

  add(kind: number, bytes: number): number {
    const total = Math.max(0, this.of(kind) + bytes);
    this.#write.run(kind, total);
    return total;
  }
}
