import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** A connection whose statements are prepared once: that takes longer than most of them run. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** `sql` is one of the program's own texts, of which there are few. */
  of(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql);
    this.#prepared.set(sql, made);
    return made;
  }

  close(): void {
    this.#prepared.clear();
    this.#database.close();
  }
}
