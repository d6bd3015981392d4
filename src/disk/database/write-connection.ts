import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { checkInode, type Place } from './place.ts';
import { checkSchema } from './schema.ts';
import { integerOf, type OpenOptions, openDatabase } from './sqlite.ts';

export interface WriteTarget {
  readonly place: Place;
  /** Of the file that was checked. */
  readonly inode: number;
  readonly maxBytes: number;
  /** How long a transaction waits for another process's. */
  readonly waitMs: number;
}

/** The connection by which this process writes a database. Lives in the writing thread, which it blocks while it waits. */
export class WriteConnection {
  readonly database: DatabaseSync;
  readonly #target: WriteTarget;
  readonly #dataVersion: StatementSync;
  #seenVersion: number;
  #foreignAt = Number.NEGATIVE_INFINITY;

  /** Throws DamagedDatabase, or SQLite's errors. */
  constructor(target: WriteTarget, synchronous: OpenOptions['synchronous']) {
    const { place, maxBytes, waitMs } = target;
    this.#target = target;
    this.database = openDatabase(place.path, { access: 'write', synchronous, waitMs, maxBytes });
    try {
      checkSchema(this.database, place.schema);
      this.#dataVersion = this.database.prepare('PRAGMA data_version');
      this.#seenVersion = this.#version();
    } catch (error) {
      this.database.close();
      throw error;
    }
  }

  /** When another process was last seen to have written; performance.now. */
  get foreignAt(): number {
    return this.#foreignAt;
  }

  /** Runs `work` in one transaction, committed when it returns; where it throws, nothing of it happened. */
  transact<T>(work: () => T): T {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      // Under the lock nobody moves the folder away; before it somebody may have.
      checkInode(this.#target.place, this.#target.inode);
      const version = this.#version();
      if (version !== this.#seenVersion) this.#foreignAt = performance.now();
      this.#seenVersion = version;
      const result = work();
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      try {
        this.database.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back by itself.
      }
      throw error;
    }
  }

  /**
   * As `transact`, and it and every commit before it are on the disk when it returns, also where `NORMAL` would leave that to the
   * system: the log is one file, and one sync of it takes them all along. `work` must write something, or nothing is synced.
   */
  transactDurably<T>(work: () => T): T {
    this.database.exec('PRAGMA synchronous = FULL');
    try {
      return this.transact(work);
    } finally {
      this.database.exec('PRAGMA synchronous = NORMAL');
    }
  }

  close(): void {
    this.database.close();
  }

  /** Moves with every commit of another connection, never with our own. */
  #version(): number {
    return integerOf(this.#dataVersion.get()?.['data_version']);
  }
}
