import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { INSERT_ITEM } from '../database/schema.ts';
import { NO_CONTENTS, partOf, withMore } from './contents.ts';
import { WRITE_HEAD } from './state-head.ts';
import { add, type StateSeal } from './state-seal.ts';

/** Fills a new database of state, in one transaction: nothing of it counts before `finish`. */
export class StateBuilder {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #seal: StateSeal;
  #sum = 0n;
  #contents = NO_CONTENTS;

  constructor(database: DatabaseSync, seal: StateSeal) {
    this.#database = database;
    this.#seal = seal;
    this.#insert = database.prepare(INSERT_ITEM);
    database.exec('BEGIN');
  }

  /** Throws where the version is there already. */
  add(path: string, version: number, value: Uint8Array): void {
    const digest = this.#seal.digest(path, version, value);
    this.#insert.run(path, version, value, digest, this.#seal.seal(digest));
    this.#sum = add(this.#sum, this.#seal.part(path, version, digest));
    this.#contents = withMore(this.#contents, partOf(path, value[0]), 1, value.byteLength);
  }

  finish(epoch: number): void {
    this.#database.prepare(WRITE_HEAD).run(this.#seal.closeHead({ epoch, sum: this.#sum, contents: this.#contents }));
    this.#database.exec('COMMIT');
  }
}
