import { Refusal } from '../../bytes/refusal.ts';
import { DamagedDatabase } from './sqlite.ts';

/** A database file, and what it holds: completes the sentence "it holds …". */
export interface DatabaseName {
  readonly path: string;
  readonly holds: string;
  /** What to do where nothing can be restored, as a sentence. Of state, unless another is given. */
  readonly otherwise?: string | undefined;
}

/** What went wrong with a database: somebody else is at it, there is no room, it cannot be believed, or the disk fails. */
type Trouble = 'busy' | 'full' | 'damaged' | 'failed';

const PRIMARY = 0xff;
/** SQLITE_IOERR_SHORT_READ: the file ends before its pages do. */
const CUT_OFF = 522;
/** SQLITE_FULL: also where a database has all the pages that it may have. */
const DISK_FULL = 13;
/** SQLITE_IOERR_SHMSIZE: no room for the 32 KiB that connections share; even a reader needs them. */
const NO_SHARED_MEMORY = 4874;
/** By primary code: SQLITE_BUSY, LOCKED, FULL, NOMEM, ERROR (a schema without what we ask for), CORRUPT, CONSTRAINT, MISMATCH, NOTADB. */
const PRIMARY_CODES: ReadonlyMap<number, Trouble> = new Map([
  [5, 'busy'],
  [6, 'busy'],
  [DISK_FULL, 'full'],
  [7, 'full'],
  [1, 'damaged'],
  [11, 'damaged'],
  [19, 'damaged'],
  [20, 'damaged'],
  [26, 'damaged'],
]);
/** By extended code: SQLITE_IOERR_READ (a block that cannot be read), SHORT_READ, CORRUPTFS, SHMSIZE. */
const EXTENDED_CODES: ReadonlyMap<number, Trouble> = new Map([
  [266, 'damaged'],
  [CUT_OFF, 'damaged'],
  [8458, 'damaged'],
  [NO_SHARED_MEMORY, 'full'],
]);

/** SQLite's extended result code of a failed call; undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
}

function troubleOf(error: unknown): Trouble | undefined {
  if (error instanceof DamagedDatabase) return 'damaged';
  // What node throws for an integer beyond 2^53: none of ours is.
  if (error instanceof RangeError && 'code' in error && error.code === 'ERR_OUT_OF_RANGE') return 'damaged';
  const code = sqliteCode(error);
  if (code === undefined) return undefined;
  return EXTENDED_CODES.get(code) ?? PRIMARY_CODES.get(code & PRIMARY) ?? 'failed';
}

export function isBusy(error: unknown): boolean {
  return troubleOf(error) === 'busy';
}

const GIVE_UP = 'verbatim accept-state-loss INDEX --reason "..."';

/** A failed call on a database as an answer; errors that are not SQLite's stay as they are. */
export function databaseRefusal(error: unknown, name: DatabaseName): unknown {
  if (error instanceof Refusal) return error;
  const code = sqliteCode(error);
  const options = { subject: 'state', cause: error, transient: true } as const;
  switch (troubleOf(error)) {
    case undefined:
      return error;
    case 'busy':
      return new Refusal(
        'state',
        `${name.path} is in use by another process for longer than anybody should write; nothing was judged. Try again in a moment.`,
        options,
      );
    case 'full':
      return new Refusal(
        'limit',
        code === NO_SHARED_MEMORY
          ? `The mirror's disk has no room for the 32 KiB beside ${name.path} without which it cannot even be read. Make room, and try again.`
          : code === DISK_FULL
            ? `The mirror's disk is full, or the file as large as it may be: there is no room for ${name.path} (SQLite error ${code}); nothing was kept of this. Make room, and try again.`
            : `The mirror has no room for ${name.path} (SQLite error ${code}); nothing was kept of this. Try again in a moment.`,
        options,
      );
    case 'damaged':
      return damaged(name, howDamaged(error), error);
    case 'failed':
      return new Refusal(
        'state',
        `The mirror's disk could not be used for ${name.path} (SQLite error ${code}); nothing was kept of this. Ask the operator to look at the data directory.`,
        options,
      );
  }
}

function howDamaged(error: unknown): string {
  if (error instanceof DamagedDatabase) return `is damaged: ${error.message}`;
  return sqliteCode(error) === CUT_OFF ? 'was cut off: it is shorter than it says' : 'is damaged';
}

/** State that cannot be believed is never taken for absent state: that would lower what was promised. */
export function damaged({ path, holds, otherwise }: DatabaseName, how: string, cause?: unknown): Refusal {
  return new Refusal(
    'state',
    `${path} ${how}. It holds ${holds}. Nothing is served on a guess. Restore it from a backup; ${otherwise ?? `what cannot be restored is given up by: ${GIVE_UP}`}`,
    { subject: 'state', cause },
  );
}

/** State without a seal, under a key. */
export function notSealed({ path, holds }: DatabaseName): Refusal {
  return refuse(
    `${path} holds ${holds}, without a seal, although a seal key is configured. If the key is new here, seal what is there: verbatim accept-state-loss INDEX --adopt --reason "...". If it is not, somebody else wrote this.`,
  );
}

/** Sealed state, without a key. */
export function keyMissing({ path, holds }: DatabaseName): Refusal {
  return refuse(
    `${path} holds ${holds}, under a seal, but no seal key is configured. Configure the key again; to go on without one: verbatim accept-state-loss INDEX --adopt --reason "..."`,
  );
}

/** Sealed state that was not sealed with the key that is given. */
export function sealBroken({ path, holds }: DatabaseName): Refusal {
  return refuse(
    `${path} holds ${holds}, but its seal does not fit: somebody else wrote it, or the seal key is another one. Nothing is served on a guess. Restore it, or the key; what cannot be restored is given up by: ${GIVE_UP}`,
  );
}

/** State that is older than what was noted of it, or gone. */
export function lost(name: DatabaseName): Refusal {
  return damaged(name, 'is missing, or older than it was');
}

function refuse(message: string): Refusal {
  return new Refusal('state', message, { subject: 'state' });
}
