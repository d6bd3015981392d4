import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { rangeBelow } from './item-path.ts';
import { checkInode } from './place.ts';
import { checkSchema, INSERT_ITEM } from './schema.ts';
import { bytesOf, integerOf, openDatabase, textOf } from './sqlite.ts';
import { headOf, READ_HEAD, WRITE_HEAD } from './state-head.ts';
import { add, type Head, StateSeal, subtract } from './state-seal.ts';
import type { OpenState, Write, WriteKind, Writes } from './thread-protocol.ts';

// The only writer of an index's state in this process; runs in the writing thread.

/** How long a transaction waits for another process's. */
const WAIT_MS = 10_000;

export class StateWriter {
  readonly #opened: OpenState;
  readonly #seal: StateSeal;
  readonly #database: DatabaseSync;
  readonly #statements: Readonly<Record<keyof typeof SQL, StatementSync>>;
  /** Valid within a transaction only: another process may have written since. */
  #head: Head = { epoch: 0, sum: 0n };
  #dataVersion = 0;
  #foreignAt = Number.NEGATIVE_INFINITY;

  /** Throws Refusal `state`, or SQLite's errors. */
  constructor(opened: OpenState) {
    const { place, index, keys, maxBytes } = opened;
    this.#opened = opened;
    this.#seal = new StateSeal(index, keys);
    this.#database = openDatabase(place.path, { access: 'write', synchronous: 'FULL', waitMs: WAIT_MS, maxBytes });
    try {
      checkSchema(this.#database, place.schema);
      const prepared = (sql: string) => this.#database.prepare(sql);
      this.#statements = {
        newest: prepared(SQL.newest),
        insert: prepared(SQL.insert),
        below: prepared(SQL.below),
        range: prepared(SQL.range),
        keep: prepared(SQL.keep),
        remove: prepared(SQL.remove),
        readHead: prepared(SQL.readHead),
        writeHead: prepared(SQL.writeHead),
        dataVersion: prepared(SQL.dataVersion),
      };
      this.#readHead();
      this.#dataVersion = integerOf(this.#statements.dataVersion.get()?.['data_version']);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** When another process was last seen to have written; performance.now. */
  get foreignAt(): number {
    return this.#foreignAt;
  }

  get epoch(): number {
    return this.#head.epoch;
  }

  /** All of them in one transaction, durable when it returns; where it throws, none of them. */
  transact(writes: readonly Write[]): readonly Writes[WriteKind]['answer'][] {
    this.#begin();
    try {
      const before = this.#head;
      const answers = writes.map((write) => this.#apply(write));
      if (this.#head.sum !== before.sum) {
        this.#head = { epoch: before.epoch + 1, sum: this.#head.sum };
        this.#statements.writeHead.run(this.#seal.closeHead(this.#head));
      }
      this.#database.exec('COMMIT');
      return answers.map((answer) => ({ ...answer, epoch: this.#head.epoch }));
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  close(): void {
    this.#rollback();
    this.#database.close();
  }

  #begin(): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      // Under the lock nobody moves the folder; before it somebody may have.
      checkInode(this.#opened.place, this.#opened.inode);
      this.#readHead();
      // Moves with every commit of another connection, never with our own.
      const dataVersion = integerOf(this.#statements.dataVersion.get()?.['data_version']);
      if (dataVersion !== this.#dataVersion) this.#foreignAt = performance.now();
      this.#dataVersion = dataVersion;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  #rollback(): void {
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself, or there was none.
    }
  }

  #readHead(): void {
    this.#head = headOf(this.#statements.readHead.get(), this.#seal, this.#opened.place);
  }

  #apply({ kind, ask }: Write): Omit<Writes[WriteKind]['answer'], 'epoch'> {
    switch (kind) {
      case 'create':
        return { created: this.#create(ask.path, ask.version, ask.value) };
      case 'removeBelow': {
        const newest = this.#newest(ask.path);
        this.#remove(this.#statements.below.all(ask.path, Math.min(ask.version, newest)));
        return {};
      }
      case 'setAside': {
        const { from, to } = rangeBelow(ask.names);
        const rows = this.#statements.range.all(from, to);
        this.#statements.keep.run(ask.as, from, to);
        this.#remove(rows);
        return { paths: [...new Set(rows.map(({ path }) => textOf(path)))] };
      }
    }
  }

  #newest(path: string): number {
    return integerOf(this.#statements.newest.get(path)?.['version'] ?? 0);
  }

  #create(path: string, version: number, value: Uint8Array): boolean {
    if (version <= this.#newest(path)) return false;
    const digest = this.#seal.digest(path, version, value);
    this.#statements.insert.run(path, version, value, digest, this.#seal.seal(digest));
    this.#head = { ...this.#head, sum: add(this.#head.sum, this.#seal.part(path, version, digest)) };
    return true;
  }

  #remove(rows: ReturnType<StatementSync['all']>): void {
    for (const row of rows) {
      const part = this.#seal.part(textOf(row['path']), integerOf(row['version']), bytesOf(row['digest']));
      this.#statements.remove.run(integerOf(row['id']));
      this.#head = { ...this.#head, sum: subtract(this.#head.sum, part) };
    }
  }
}

const SQL = {
  newest: 'SELECT max(version) AS version FROM item WHERE path = ?',
  insert: INSERT_ITEM,
  below: 'SELECT id, path, version, digest FROM item WHERE path = ? AND version < ?',
  range: 'SELECT id, path, version, digest FROM item WHERE path >= ? AND path < ?',
  keep: 'INSERT INTO aside (name, path, version, value, digest, seal) SELECT ?, path, version, value, digest, seal FROM item WHERE path >= ? AND path < ?',
  remove: 'DELETE FROM item WHERE id = ?',
  readHead: READ_HEAD,
  writeHead: WRITE_HEAD,
  dataVersion: 'PRAGMA data_version',
} as const;
