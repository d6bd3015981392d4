import { STATE_VALUE_BYTES } from '../../ports/state-storage.ts';
import { bytesOf, DamagedDatabase, openDatabase } from '../database/sqlite.ts';
import type { StateSource } from './state-scan.ts';
import { StateSeal } from './state-seal.ts';

export interface LargeRequest extends StateSource {
  readonly path: string;
  readonly version: number;
}

const WAIT_MS = 10_000;

/** One value of any size, proved by its digest; undefined where it is no longer there. In a thread: a megabyte takes 2 ms. */
export function readLarge({ place, access, index, keys, path, version }: LargeRequest): Uint8Array | undefined {
  const database = openDatabase(place.path, { access, synchronous: 'FULL', waitMs: WAIT_MS });
  try {
    const row = database
      .prepare(
        `SELECT digest, seal, CASE WHEN length(value) <= ${STATE_VALUE_BYTES} THEN value END AS value FROM item WHERE path = ? AND version = ?`,
      )
      .get(path, version);
    if (row === undefined) return undefined;
    const value = bytesOf(row['value']);
    if (!new StateSeal(index, keys).holds(path, version, value, bytesOf(row['digest']), bytesOf(row['seal'])))
      throw new DamagedDatabase('a value is not what was written');
    return value;
  } finally {
    database.close();
  }
}
