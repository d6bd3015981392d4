import type { StatementSync } from 'node:sqlite';
import { integerOf } from '../database/sqlite.ts';
import type { Done, OpenPlain, Write } from '../database/thread-protocol.ts';
import { WriteConnection } from '../database/write-connection.ts';
import { LineShares, type SharedBy } from './line-shares.ts';
import { Total } from './total.ts';

/** Rows removed at a time where there are too many. */
const REMOVED_AT_ONCE = 500;
/** Of the most bytes there may be, the part that is made room for at once. */
const MADE_AT_ONCE = 64;

/** Writes lines of records, and the epochs of indexes. */
export class RecordsWriter {
  readonly #connection: WriteConnection;
  readonly #total: Total;
  readonly #insert: StatementSync;
  readonly #oldest: StatementSync;
  readonly #remove: StatementSync;
  readonly #aged: StatementSync;
  readonly #note: StatementSync;
  /** By kind, once there were too many of it; nothing of it holds after a transaction that failed. */
  readonly #shares = new Map<number, LineShares>();

  constructor(opened: OpenPlain) {
    this.#connection = new WriteConnection(opened, 'NORMAL');
    const { database } = this.#connection;
    this.#total = new Total((sql) => database.prepare(sql));
    this.#insert = database.prepare('INSERT INTO line (kind, content) VALUES (?, ?)');
    this.#oldest = database.prepare(
      `SELECT id, octet_length(content) AS bytes FROM line WHERE kind = ? ORDER BY id LIMIT ${REMOVED_AT_ONCE}`,
    );
    this.#remove = database.prepare('DELETE FROM line WHERE id = ?');
    // The oldest are looked at, however few of them are that old.
    this.#aged = database.prepare(
      `SELECT id, bytes FROM (SELECT id, octet_length(content) AS bytes, CASE WHEN json_valid(content) THEN json_extract(content, '$.at') END AS at
         FROM line WHERE kind = ? ORDER BY id LIMIT ${REMOVED_AT_ONCE}) WHERE at < ?`,
    );
    this.#note = database.prepare(
      'INSERT INTO epoch (name, epoch) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET epoch = max(epoch, excluded.epoch)',
    );
  }

  get foreignAt(): number {
    return this.#connection.foreignAt;
  }

  transact(writes: readonly Write[]): readonly Done[] {
    try {
      return this.#connection.transact(() => writes.map((write) => this.#apply(write)));
    } catch (error) {
      this.#shares.clear();
      throw error;
    }
  }

  close(): void {
    this.#connection.close();
  }

  #apply({ kind, ask }: Write): Done {
    switch (kind) {
      case 'append':
        this.#append(ask.lineKind, ask.lines);
        if (ask.notBefore !== undefined) this.#trimAged(ask.lineKind, ask.notBefore);
        if (ask.sharedBy !== undefined) this.#trimShares(ask.lineKind, ask.mostBytes, ask.sharedBy);
        else this.#trimOldest(ask.lineKind, ask.mostBytes);
        return {};
      case 'noteEpoch':
        this.#note.run(ask.index, ask.epoch);
        return {};
      default:
        throw new Error(`${kind} is not for records`);
    }
  }

  #append(kind: number, lines: readonly string[]): void {
    let bytes = 0;
    for (const line of lines) {
      this.#insert.run(kind, line);
      bytes += Buffer.byteLength(line);
    }
    this.#total.add(kind, lines.length, bytes);
  }

  #trimOldest(kind: number, mostBytes: number): void {
    let over = this.#total.of(kind) - mostBytes;
    while (over > 0) {
      const rows = this.#oldest.all(kind);
      if (rows.length === 0) return;
      let removed = 0;
      let count = 0;
      for (const row of rows) {
        if (over <= removed) break;
        this.#remove.run(integerOf(row['id']));
        removed += integerOf(row['bytes']);
        count++;
      }
      this.#total.add(kind, -count, -removed);
      over -= removed;
    }
  }

  /** Those that say so themselves; where there are many, the rest goes with the next lines. */
  #trimAged(kind: number, notBefore: number): void {
    let count = 0;
    let bytes = 0;
    for (const row of this.#aged.all(kind, notBefore)) {
      this.#remove.run(integerOf(row['id']));
      count++;
      bytes += integerOf(row['bytes']);
    }
    if (count > 0) this.#total.add(kind, -count, -bytes);
  }

  /** A journal that was full when this process began is looked through step by step, and is a little too long meanwhile. */
  #trimShares(kind: number, mostBytes: number, by: SharedBy): void {
    const over = this.#total.of(kind) - mostBytes;
    if (over <= 0) return;
    const shares = this.#shares.get(kind) ?? new LineShares(this.#connection.database, kind, by);
    this.#shares.set(kind, shares);
    if (!shares.follow()) return;
    let removed = 0;
    let count = 0;
    // Some room is made at once: whose turn it is takes a look at all.
    for (const { id, bytes } of shares.leaving(over + Math.floor(mostBytes / MADE_AT_ONCE))) {
      // Another process may have removed it, and counted that.
      if (integerOf(this.#remove.run(id).changes) === 0) continue;
      removed += bytes;
      count++;
    }
    this.#total.add(kind, -count, -removed);
  }
}
