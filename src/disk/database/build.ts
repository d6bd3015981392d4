import type { DatabaseSync } from 'node:sqlite';
import type { Durable } from '../durable.ts';
import { codeOf, type FileOps } from '../file-ops.ts';
import { storageRefusal } from '../storage-errors.ts';
import { formatPath, type Place, placeOf } from './place.ts';
import { createDatabase } from './schema.ts';
import { DamagedDatabase } from './sqlite.ts';
import { databaseRefusal } from './trouble.ts';

const PRIVATE_FILE = 0o600;

/** A database that is whole, in a folder that nobody else knows. It must be moved into place or discarded. */
export interface Built {
  /** Durable when it resolves; false, and the folder gone, where another was first. */
  moveTo(folder: string): Promise<boolean>;
  discard(): Promise<void>;
}

/** Makes a database elsewhere, so that no reader, and no crash, ever meets half of one. */
export async function buildDatabase(
  durable: Durable,
  place: Place,
  fill: (database: DatabaseSync) => void | Promise<void>,
): Promise<Built> {
  const { ops } = durable;
  const folder = await durable.tempDirectory();
  const discard = () => ops.removeTree(folder);
  try {
    const elsewhere = placeOf(folder, place.name, place.schema, place);
    // Made here with its mode: SQLite would make it readable to others, and gives its log the same mode.
    await (await ops.openNew(elsewhere.path, PRIVATE_FILE)).close();
    const database = createDatabase(elsewhere.path, place.schema);
    try {
      await fill(database);
      // Here it is told why, where the disk does not take it.
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      // The last to close copies the log into the database and syncs it.
      database.close();
    }
    if ((await ops.facts(`${elsewhere.path}-wal`)) !== undefined) throw new DamagedDatabase('its log was not emptied');
    await writeFormat(ops, elsewhere);
    await ops.syncDirectory(folder);
  } catch (error) {
    await discard().catch(() => undefined);
    throw storageRefusal(databaseRefusal(error, place), 'state');
  }
  return {
    discard,
    async moveTo(target) {
      try {
        await durable.moveAway(folder, target);
        return true;
      } catch (error) {
        await discard().catch(() => undefined);
        const code = codeOf(error);
        if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
        throw error;
      }
    },
  };
}

async function writeFormat(ops: FileOps, place: Place): Promise<void> {
  const file = await ops.openNew(formatPath(place), PRIVATE_FILE);
  try {
    await file.write(Buffer.from(place.format), 0);
    await file.sync();
  } finally {
    await file.close();
  }
}
