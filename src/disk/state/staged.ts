import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { bytesOf, integerOf, textOf } from '../database/sqlite.ts';
import type { Creation } from '../database/thread-protocol.ts';
import { SIZED } from './state-room.ts';
import type { StateSeal } from './state-seal.ts';

// Versions that are to take the place of all there are lie beside what was set aside, under names of their own, so that they may come in many transactions.

/** Every name of staged versions begins so; what a process left there when it died goes with the next that is taken. */
const STAGED = 'staged ';
const STAGED_END = 'staged!';

/** A version that has become an item. */
export interface TakenVersion {
  readonly path: string;
  readonly version: number;
  readonly digest: Uint8Array;
  /** The first byte of its value; none of an empty one. */
  readonly first: number | undefined;
  readonly bytes: number;
}

/** Within the transactions of its writer. */
export class StagedVersions {
  readonly #seal: StateSeal;
  readonly #statements: Readonly<Record<keyof typeof SQL, StatementSync>>;

  constructor(database: DatabaseSync, seal: StateSeal) {
    this.#seal = seal;
    const prepared = (sql: string) => database.prepare(sql);
    this.#statements = {
      put: prepared(SQL.put),
      drop: prepared(SQL.drop),
      dropAll: prepared(SQL.dropAll),
      count: prepared(SQL.count),
      next: prepared(SQL.next),
      move: prepared(SQL.move),
      moved: prepared(SQL.moved),
    };
  }

  static nameOf(id: string): string {
    return `${STAGED}${id}`;
  }

  put(name: string, creations: readonly Creation[]): void {
    for (const { path, version, value } of creations) {
      const digest = this.#seal.digest(path, version, value);
      this.#statements.put.run(name, path, version, value, digest, this.#seal.seal(digest));
    }
  }

  count(name: string): number {
    return integerOf(this.#statements.count.get(name)?.['count'] ?? 0);
  }

  drop(name: string): void {
    this.#statements.drop.run(name);
  }

  /** Makes items of them, one by one, so that what one row leaves is room for the next; then whatever else was staged goes. */
  *take(name: string): Generator<TakenVersion, void, undefined> {
    for (let last = 0; ; ) {
      const row = this.#statements.next.get(last, name);
      if (row === undefined) break;
      last = integerOf(row['id']);
      this.#statements.move.run(last);
      this.#statements.moved.run(last);
      yield {
        path: textOf(row['path']),
        version: integerOf(row['version']),
        digest: bytesOf(row['digest']),
        first: bytesOf(row['first'])[0],
        bytes: integerOf(row['bytes']),
      };
    }
    this.#statements.dropAll.run(STAGED, STAGED_END);
  }
}

const SQL = {
  put: "INSERT INTO aside (name, path, version, value, digest, seal) VALUES (?, ?, ?, coalesce(?, x''), ?, coalesce(?, x''))",
  drop: 'DELETE FROM aside WHERE name = ?',
  dropAll: 'DELETE FROM aside WHERE name >= ? AND name < ?',
  count: 'SELECT count(*) AS count FROM aside WHERE name = ?',
  next: `SELECT id, path, version, digest, ${SIZED} FROM aside WHERE id > ? AND name = ? ORDER BY id LIMIT 1`,
  move: 'INSERT INTO item (path, version, value, digest, seal) SELECT path, version, value, digest, seal FROM aside WHERE id = ?',
  moved: 'DELETE FROM aside WHERE id = ?',
} as const;
