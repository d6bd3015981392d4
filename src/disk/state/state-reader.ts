import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { StateContents } from '../../ports/state-room.ts';
import { checkInode } from '../database/place.ts';
import { checkSchema } from '../database/schema.ts';
import { bytesOf, DamagedDatabase, integerOf, openDatabase, textOf } from '../database/sqlite.ts';
import { lost } from '../database/trouble.ts';
import type { Floors } from './floors.ts';
import { namesOf, rangeBelow } from './item-path.ts';
import { headOf, READ_HEAD } from './state-head.ts';
import { roomStatements, usedBytes } from './state-room.ts';
import type { StateSource } from './state-scan.ts';
import { StateSeal } from './state-seal.ts';

/** A version as it lies in the database; `value` is undefined where it is too large to be read here. */
interface Found {
  readonly version: number;
  readonly value: Uint8Array | undefined;
}

/** A statement blocks the event loop for as long as it waits for a lock. */
const WAIT_MS = 50;
/** Most bytes of a value that is read on the main thread: 64 KiB take 0.1 ms, a megabyte 2 ms. */
const SMALL_BYTES = 64 * 1024;
/** Rows looked at by one call, so that no call holds the event loop for long. */
const BATCH = 500;

/**
 * Reads an index's state on the main thread, without waiting. What it has seen of an item, here or in a scan, that item may not
 * fall below: a row that is deleted or replaced under a running server shows at the next read of it. What others added, and that
 * another file lies in its place, shows in the next turn of the event loop.
 */
export class StateReader {
  readonly #source: StateSource;
  readonly #inode: number;
  readonly #floors: Floors;
  readonly #seal: StateSeal;
  readonly #database: DatabaseSync;
  readonly #statements: Readonly<Record<keyof typeof SQL, StatementSync>>;
  /** Rows up to this one have been looked at, as of this state of the database. */
  #lastId: number;
  #dataVersion = -1;
  /** There were none left to look at. */
  #isFollowing = false;
  /** Looked at in this turn of the event loop: one look, with its locks, serves all that one request reads in a row. */
  #isCurrent = false;

  /** `lastId` is the last row that `floors` knows of. Throws Refusal `state`, or SQLite's errors. */
  constructor(source: StateSource, inode: number, floors: Floors, lastId: number) {
    this.#source = source;
    this.#inode = inode;
    this.#floors = floors;
    this.#lastId = lastId;
    this.#seal = new StateSeal(source.index, source.keys);
    const { place, access } = source;
    this.#database = openDatabase(place.path, { access, synchronous: 'FULL', waitMs: WAIT_MS });
    try {
      checkSchema(this.#database, place.schema, access);
      const prepared = (sql: string) => this.#database.prepare(sql);
      this.#statements = {
        dataVersion: prepared(SQL.dataVersion),
        after: prepared(SQL.after),
        version: prepared(SQL.version),
        newest: prepared(SQL.newest),
        one: prepared(SQL.one),
        paths: prepared(SQL.paths),
        head: prepared(SQL.head),
      };
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** The newest version; undefined for none. Throws Refusal `state` where it is below `from`, or below what was seen. */
  newest(path: string, from: number): Found | undefined {
    this.#follow();
    if (this.#isUnknown(path, from)) return undefined;
    const row = this.#statements.newest.get(path);
    const version = this.#checked(path, from, row);
    return row && this.#found(path, version, row);
  }

  version(path: string, from: number): number {
    this.#follow();
    if (this.#isUnknown(path, from)) return 0;
    return this.#checked(path, from, this.#statements.version.get(path));
  }

  one(path: string, version: number): Found | undefined {
    // An item that has fallen back may lack this version as well.
    this.version(path, 0);
    const row = this.#statements.one.get(path, version);
    return row && this.#found(path, version, row);
  }

  /** Paths below these names that come after `after`, in order, some hundreds at most. Each is one that names make. */
  paths(names: readonly string[], after: string | undefined): readonly string[] {
    this.#follow();
    const { from, to } = rangeBelow(names);
    // The text of a path is never followed by NUL in another: names hold none.
    const paths = this.#statements.paths.all(after === undefined ? from : `${after}\0`, to);
    return paths.map(({ path }) => {
      const text = textOf(path);
      namesOf(text);
      return text;
    });
  }

  /** As it lies there now. Throws Refusal `state` for a head that is not ours. */
  epoch(): number {
    return headOf(this.#statements.head.get(), this.#seal, this.#source.place).epoch;
  }

  /** Bytes in use, and of what, where that was counted. */
  usage(): { readonly bytes: number; readonly contents: StateContents | undefined } {
    const { contents } = headOf(this.#statements.head.get(), this.#seal, this.#source.place);
    return { bytes: usedBytes(roomStatements(this.#database)), contents };
  }

  close(): void {
    this.#database.close();
  }

  /** What was looked at in this turn may lack what was written meanwhile. */
  lookAgain(): void {
    this.#isCurrent = false;
  }

  /** True where the floors know of every row, and of none of this item: a question less of each new item. */
  #isUnknown(path: string, from: number): boolean {
    return from === 0 && this.#isFollowing && this.#floors.isWhole && this.#floors.of(path) === 0;
  }

  #checked(path: string, from: number, row: Readonly<Record<string, SQLOutputValue>> | undefined): number {
    const version = row === undefined ? 0 : integerOf(row['version']);
    if (version < Math.max(from, this.#floors.of(path))) throw lost(this.#source.place);
    if (version > 0) this.#floors.raise(path, version);
    return version;
  }

  #found(path: string, version: number, row: Readonly<Record<string, SQLOutputValue>>): Found {
    if (row['value'] === null && integerOf(row['size']) > SMALL_BYTES) return { version, value: undefined };
    const value = bytesOf(row['value']);
    if (!this.#seal.holds(path, version, value, bytesOf(row['digest']), bytesOf(row['seal'])))
      throw new DamagedDatabase('a value is not what was written');
    return { version, value };
  }

  /** Brings the floors up to the rows that were added since, by whomever. */
  #follow(): void {
    if (this.#isCurrent) return;
    checkInode(this.#source.place, this.#inode);
    const dataVersion = integerOf(this.#statements.dataVersion.get()?.['data_version']);
    if (dataVersion !== this.#dataVersion) {
      const rows = this.#statements.after.all(this.#lastId);
      for (const row of rows) {
        this.#floors.raise(textOf(row['path']), integerOf(row['version']));
        this.#lastId = integerOf(row['id']);
      }
      // Where there are more they are looked at by the next call.
      this.#isFollowing = rows.length < BATCH;
      if (!this.#isFollowing) return;
      this.#dataVersion = dataVersion;
    }
    this.#isCurrent = true;
    setImmediate(() => {
      this.#isCurrent = false;
    });
  }
}

const VALUE = `version, CASE WHEN length(digest) <= 32 THEN digest END AS digest, CASE WHEN length(seal) <= 32 THEN seal END AS seal, length(value) AS size, CASE WHEN length(value) <= ${SMALL_BYTES} THEN value END AS value`;
const SQL = {
  dataVersion: 'PRAGMA data_version',
  after: `SELECT id, path, version FROM item WHERE id > ? AND length(path) <= 8192 ORDER BY id LIMIT ${BATCH}`,
  version: 'SELECT version FROM item WHERE path = ? ORDER BY version DESC LIMIT 1',
  newest: `SELECT ${VALUE} FROM item WHERE path = ? ORDER BY version DESC LIMIT 1`,
  one: `SELECT ${VALUE} FROM item WHERE path = ? AND version = ?`,
  paths: `SELECT DISTINCT path FROM item WHERE path >= ? AND path < ? AND length(path) <= 8192 ORDER BY path LIMIT ${BATCH}`,
  head: READ_HEAD,
} as const;
