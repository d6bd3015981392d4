import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { buildDatabase } from '../database/build.ts';
import type { Place } from '../database/place.ts';
import { INSERT_ITEM } from '../database/schema.ts';
import type { Durable } from '../durable.ts';
import { NO_CONTENTS, partOf, withMore } from './contents.ts';
import { pathText } from './item-path.ts';
import { WRITE_HEAD } from './state-head.ts';
import type { FirstItem } from './state-options.ts';
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

interface BuildOptions {
  readonly durable: Durable;
  readonly place: Place;
  readonly seal: StateSeal;
  readonly epoch: number;
}

/** A database with these items, moved to its place whole; false where one was there before. */
export async function buildState(
  { durable, place, seal, epoch }: BuildOptions,
  items?: AsyncIterable<FirstItem>,
): Promise<boolean> {
  const built = await buildDatabase(durable, place, async (database) => {
    const builder = new StateBuilder(database, seal);
    for await (const { item, version, value } of items ?? []) builder.add(pathText(item.slice(1)), version, value);
    builder.finish(epoch);
  });
  return built.moveTo(place.folder);
}
