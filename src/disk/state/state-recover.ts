import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { STATE_VALUE_BYTES } from '../../ports/state-storage.ts';
import { buildDatabase } from '../database/build.ts';
import { checkPlace, type Place } from '../database/place.ts';
import { bytesOf, integerOf, openDatabase, textOf } from '../database/sqlite.ts';
import { databaseRefusal, isBusy } from '../database/trouble.ts';
import type { Durable } from '../durable.ts';
import { isMissing } from '../storage-errors.ts';
import { namesOf } from './item-path.ts';
import { StateBuilder } from './state-builder.ts';
import { READ_HEAD } from './state-head.ts';
import { type SealKeys, StateSeal } from './state-seal.ts';

// What an operator gives up for lost: a new database is made of the versions that can be believed, and put in the place of the
// old one while nobody can write to that. The old one is kept whole, as evidence.

export interface RecoverOptions {
  /** True to believe whatever is whole, whoever sealed it or did not: for a seal key that is new, changed or gone. */
  readonly adopt: boolean;
  /** Where the old database goes: a directory beside its folder that is not there yet. */
  readonly keepAs: string;
}

export interface Recovered {
  /** Items believed as they were. */
  readonly kept: number;
  /** Items believed on the operator's word, under the present seal now. */
  readonly adopted: number;
  /** Names of the items that are not believed: their newest version is not. Bounded. */
  readonly lost: readonly (readonly string[])[];
  /** True where there was an old database, in whatever form; it is at `keepAs` now. */
  readonly setAside: boolean;
  readonly epoch: number;
}

interface Parts {
  readonly durable: Durable;
  readonly index: string;
  readonly keys: SealKeys | undefined;
  readonly place: Place;
  /** The highest epoch noted elsewhere. */
  readonly lowest: number;
  /** How long another process's transaction is waited for. */
  readonly waitMs: number;
}

type Verdict = 'kept' | 'adopted' | 'lost';

interface Row {
  readonly id: number;
  readonly version: number;
  readonly verdict: Verdict;
}

/** Rows in a row that cannot be read before the rest is given up: a damaged page holds some dozens. */
const MOST_MISSES = 10_000;
const MOST_TOLD = 1000;

export async function recoverState(parts: Parts, { adopt, keepAs }: RecoverOptions): Promise<Recovered> {
  const { durable, index, keys, place, lowest, waitMs } = parts;
  await finishSwap(durable, place);
  const seal = new StateSeal(index, keys);
  const old = await openOld(durable, place, waitMs);
  try {
    const items = old === undefined ? new Map<string, Row[]>() : readable(old, seal, adopt);
    const lost: (readonly string[])[] = [];
    const outcome = { kept: 0, adopted: 0, lost };
    for (const [path, rows] of items) {
      // Its newest version says what an item is: an older one is never believed instead.
      const verdict = rows.at(-1)?.verdict ?? 'lost';
      if (verdict !== 'lost') outcome[verdict]++;
      else {
        items.delete(path);
        if (lost.length < MOST_TOLD) lost.push(namesOf(path));
      }
    }
    const epoch = Math.max(lowest, old === undefined ? 0 : epochIn(old, seal)) + 1;
    const built = await buildDatabase(durable, place, (database) => {
      const builder = new StateBuilder(database, seal);
      const value = old?.prepare('SELECT value FROM item WHERE id = ?');
      for (const [path, rows] of items)
        for (const { id, version, verdict } of rows)
          if (verdict !== 'lost') builder.add(path, version, bytesOf(value?.get(id)?.['value']));
      builder.finish(epoch);
    });
    const next = nextFolder(place);
    await durable.ops.removeTree(next);
    if (!(await built.moveTo(next))) throw new Error(`${next} is taken`);
    const setAside = await moveAway(durable, place.folder, keepAs);
    await finishSwap(durable, place);
    return { ...outcome, setAside, epoch };
  } finally {
    // The lock is let go here; whoever waited for it meets another file at the name, and stops.
    old?.close();
  }
}

/** A swap that a crash cut in two: the new database is complete before the old one is moved away. */
export async function finishSwap(durable: Durable, place: Place): Promise<void> {
  if ((await durable.ops.facts(place.folder)) !== undefined) return;
  await moveAway(durable, nextFolder(place), place.folder);
}

function nextFolder({ folder }: Place): string {
  return `${folder}.next`;
}

async function moveAway(durable: Durable, from: string, to: string): Promise<boolean> {
  try {
    await durable.moveAway(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** The old database under the write lock; undefined where it cannot even be opened. */
async function openOld(durable: Durable, place: Place, waitMs: number): Promise<DatabaseSync | undefined> {
  try {
    if (!(await checkPlace(durable.ops, place))) return undefined;
  } catch {
    return undefined;
  }
  let database: DatabaseSync | undefined;
  try {
    database = openDatabase(place.path, { access: 'write', synchronous: 'FULL', waitMs });
    database.exec('BEGIN IMMEDIATE');
    return database;
  } catch (error) {
    database?.close();
    if (isBusy(error)) throw databaseRefusal(error, place);
    return undefined;
  }
}

/** Every row that can be read at all, by item, oldest version first. */
function readable(database: DatabaseSync, seal: StateSeal, adopt: boolean): Map<string, Row[]> {
  const items = new Map<string, Row[]>();
  try {
    const next = database.prepare('SELECT min(id) AS id FROM item WHERE id > ?');
    const one = database.prepare(
      `SELECT path, version, digest, seal, CASE WHEN length(value) <= ${STATE_VALUE_BYTES} THEN value END AS value FROM item WHERE id = ?`,
    );
    let misses = 0;
    for (let id = 0; misses < MOST_MISSES; ) {
      try {
        const found = next.get(id)?.['id'] ?? null;
        if (found === null) break;
        id = integerOf(found);
        const row = one.get(id);
        const path = textOf(row?.['path']);
        namesOf(path);
        const version = integerOf(row?.['version']);
        const rows = items.get(path) ?? [];
        items.set(path, rows);
        rows.push({ id, version, verdict: judge(seal, path, version, row, adopt) });
        misses = 0;
      } catch {
        id++;
        misses++;
      }
    }
  } catch {
    // Not even a table of items: all of it is lost.
  }
  for (const rows of items.values()) rows.sort((one, two) => one.version - two.version);
  return items;
}

function judge(
  seal: StateSeal,
  path: string,
  version: number,
  row: Readonly<Record<string, SQLOutputValue>> | undefined,
  adopt: boolean,
): Verdict {
  const [value, digest, mac] = [row?.['value'], row?.['digest'], row?.['seal']];
  if (!(value instanceof Uint8Array && digest instanceof Uint8Array && mac instanceof Uint8Array)) return 'lost';
  if (seal.holds(path, version, value, digest, mac)) return 'kept';
  return adopt && Buffer.compare(digest, seal.digest(path, version, value)) === 0 ? 'adopted' : 'lost';
}

/** 0 where the old head does not say, or not to us: then what is noted elsewhere counts. */
function epochIn(database: DatabaseSync, seal: StateSeal): number {
  try {
    const head = seal.openHead(bytesOf(database.prepare(READ_HEAD).get()?.['content']));
    return typeof head === 'string' ? 0 : head.epoch;
  } catch {
    return 0;
  }
}
