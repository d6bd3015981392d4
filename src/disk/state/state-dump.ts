import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { STATE_VALUE_BYTES } from '../../ports/state-storage.ts';
import { checkSchema } from '../database/schema.ts';
import { bytesOf, DamagedDatabase, integerOf, openDatabase, textOf } from '../database/sqlite.ts';
import type { StateSource } from './state-scan.ts';
import { StateSeal } from './state-seal.ts';

/** A version as it lies there, proved by its digest. */
export interface DumpedVersion {
  readonly path: string;
  readonly version: number;
  readonly value: Uint8Array;
}

const WAIT_MS = 10_000;
/** Most rows, and bytes of values after which no more are taken, of one answer. */
const ROWS = 512;
const ROWS_BYTES = 1024 * 1024;

/**
 * Reads all versions of an index's state as they lay at one moment, some at a time, in the order in which they were written. For a thread of its own, of
 * which it keeps one transaction open from the first call to the end.
 */
export class StateDump {
  readonly #database: DatabaseSync;
  readonly #seal: StateSeal;
  readonly #rows: Iterator<Readonly<Record<string, SQLOutputValue>>>;

  /** Throws DamagedDatabase, or SQLite's errors. */
  constructor({ place, access, index, keys }: StateSource) {
    this.#seal = new StateSeal(index, keys);
    this.#database = openDatabase(place.path, { access, synchronous: 'FULL', waitMs: WAIT_MS });
    try {
      checkSchema(this.#database, place.schema, access);
      this.#database.exec('BEGIN');
      this.#rows = this.#database.prepare(SQL).iterate();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** The next ones; none at the end. */
  next(): readonly DumpedVersion[] {
    const some: DumpedVersion[] = [];
    for (let bytes = 0; some.length < ROWS && bytes < ROWS_BYTES; ) {
      const { done, value: row } = this.#rows.next();
      if (done === true) break;
      const [path, version, value] = [textOf(row['path']), integerOf(row['version']), bytesOf(row['value'])];
      if (!this.#seal.holds(path, version, value, bytesOf(row['digest']), bytesOf(row['seal'])))
        throw new DamagedDatabase('a value is not what was written');
      bytes += value.byteLength;
      some.push({ path, version, value });
    }
    return some;
  }

  close(): void {
    this.#database.close();
  }
}

const SQL = `SELECT path, version, digest, seal, CASE WHEN length(value) <= ${STATE_VALUE_BYTES} THEN value END AS value FROM item ORDER BY id`;
