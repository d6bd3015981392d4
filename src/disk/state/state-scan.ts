import type { StateContents } from '../../ports/state-room.ts';
import { STATE_VALUE_BYTES } from '../../ports/state-storage.ts';
import type { Place } from '../database/place.ts';
import { checkSchema } from '../database/schema.ts';
import { type Access, bytesOf, DamagedDatabase, integerOf, openDatabase, textOf } from '../database/sqlite.ts';
import { NO_CONTENTS, partOf, withMore } from './contents.ts';
import { type FloorColumns, Floors } from './floors.ts';
import { headOf, READ_HEAD } from './state-head.ts';
import { add, type SealKeys, StateSeal } from './state-seal.ts';

// Reads an index's state from end to end before the index serves: that SQLite finds its pages in order (its own quick_check
// passes an index that lies), that every version is what was written, and that none is missing.

/** An index's state, as a reader opens it. */
export interface StateSource {
  readonly place: Place;
  readonly access: Access;
  readonly index: string;
  readonly keys: SealKeys | undefined;
}

export interface ScanRequest extends StateSource {
  /** Of the floors. */
  readonly secret: string;
}

export interface Scan {
  readonly epoch: number;
  /** The newest version of each item. */
  readonly floors: FloorColumns;
  /** The highest row number that the scan has seen. */
  readonly lastId: number;
  /** Versions read. */
  readonly versions: number;
  readonly contents: StateContents;
  /** Items of which a version is not what was written; each is refused by its reads. */
  readonly damaged: readonly string[];
}

/** Names of damaged items that are told. */
const TOLD = 100;
const WAIT_MS = 10_000;

/** Throws Refusal `state` where the whole cannot be believed. Takes 1.5 s for 100,000 versions: for a thread. */
export function scanState({ place, access, index, keys, secret }: ScanRequest): Scan {
  const database = openDatabase(place.path, { access, synchronous: 'FULL', waitMs: WAIT_MS });
  try {
    checkSchema(database, place.schema, access);
    // One transaction, so that all of it is of one moment, whoever writes meanwhile.
    database.exec('BEGIN');
    const order = textOf(database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check']);
    if (order !== 'ok') throw new DamagedDatabase(order);
    const seal = new StateSeal(index, keys);
    const head = headOf(database.prepare(READ_HEAD).get(), seal, place);
    const floors = new Floors(secret);
    const wrong = new Set<string>();
    let sum = 0n;
    let lastId = 0;
    let versions = 0;
    let contents = NO_CONTENTS;
    const rows = database.prepare(
      `SELECT id, path, version, digest, seal, CASE WHEN length(value) <= ${STATE_VALUE_BYTES} THEN value END AS value FROM item ORDER BY id`,
    );
    for (const row of rows.iterate()) {
      const [path, version, digest] = [textOf(row['path']), integerOf(row['version']), bytesOf(row['digest'])];
      lastId = integerOf(row['id']);
      versions++;
      floors.raise(path, version);
      sum = add(sum, seal.part(path, version, digest));
      const value = bytesOf(row['value']);
      contents = withMore(contents, partOf(path, value[0]), 1, value.byteLength);
      if (!seal.holds(path, version, value, digest, bytesOf(row['seal'])) && wrong.size < TOLD) wrong.add(path);
    }
    if (sum !== head.sum) throw new DamagedDatabase('its items are not all there, or not all of them are ours');
    return { epoch: head.epoch, floors: floors.columns, lastId, versions, contents, damaged: [...wrong] };
  } finally {
    database.close();
  }
}
