import type { StatementSync } from 'node:sqlite';
import { integerOf } from '../database/sqlite.ts';
import type { Done, OpenPlain, Write } from '../database/thread-protocol.ts';
import { WriteConnection } from '../database/write-connection.ts';
import { Total } from './total.ts';

/** Of the one kind of row that is counted. */
const ALL = 0;
const REMOVED_AT_ONCE = 100;

/** Writes small documents. */
export class DocumentsWriter {
  readonly #connection: WriteConnection;
  readonly #total: Total;
  readonly #insert: StatementSync;
  readonly #one: StatementSync;
  readonly #oldest: StatementSync;
  readonly #remove: StatementSync;

  constructor(opened: OpenPlain) {
    this.#connection = new WriteConnection(opened, 'NORMAL');
    const { database } = this.#connection;
    this.#total = new Total(database);
    this.#insert = database.prepare("INSERT INTO document (sha256, content) VALUES (?, coalesce(?, x''))");
    this.#one = database.prepare('SELECT id, octet_length(content) AS bytes FROM document WHERE sha256 = ?');
    this.#oldest = database.prepare(
      `SELECT id, octet_length(content) AS bytes FROM document ORDER BY id LIMIT ${REMOVED_AT_ONCE}`,
    );
    this.#remove = database.prepare('DELETE FROM document WHERE id = ?');
  }

  get foreignAt(): number {
    return this.#connection.foreignAt;
  }

  transact(writes: readonly Write[]): readonly Done[] {
    return this.#connection.transact(() => writes.map((write) => this.#apply(write)));
  }

  sync(): void {
    this.#connection.sync();
  }

  close(): void {
    this.#connection.close();
  }

  #apply({ kind, ask }: Write): Done {
    switch (kind) {
      case 'putDocument':
        // What lies there may be damaged: it is replaced, and is the newest again.
        this.#removeRows(this.#one.all(ask.sha256));
        this.#insert.run(ask.sha256, ask.content);
        this.#total.add(ALL, ask.content.byteLength);
        this.#makeRoom(ask.mostBytes);
        return {};
      case 'removeDocument':
        this.#removeRows(this.#one.all(ask.sha256));
        return {};
      default:
        throw new Error(`${kind} is not for documents`);
    }
  }

  #makeRoom(mostBytes: number): void {
    for (;;) {
      let over = this.#total.of(ALL) - mostBytes;
      if (over <= 0) return;
      const rows = this.#oldest.all();
      if (rows.length === 0) return;
      const leaving = rows.filter(({ bytes }) => {
        const leaves = over > 0;
        over -= integerOf(bytes);
        return leaves;
      });
      this.#removeRows(leaving);
    }
  }

  #removeRows(rows: ReturnType<StatementSync['all']>): void {
    for (const row of rows) {
      this.#remove.run(integerOf(row['id']));
      this.#total.add(ALL, -integerOf(row['bytes']));
    }
  }
}
