import { closeSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Refusal } from '../bytes/refusal.ts';
import { openDatabase } from './database/sqlite.ts';

/** Held by one process at a time, and by nobody once that process is gone, however it ended. */
export interface DirectoryLock {
  release(): void;
}

/** No role's file is called so: each ends in `.json`. */
const LOCK = '.lock';
const LOCK_FILE_MODE = 0o600;
const WAIT_MS = 60_000;

/**
 * Waits until no other client works in the directory; blocks the thread meanwhile. The lock is SQLite's, on an empty file:
 * the operating system drops it with the process. Throws `limit`, transient, after a minute.
 */
export function lockDirectory(directory: string, waitMs = WAIT_MS): DirectoryLock {
  const path = join(resolve(directory), LOCK);
  closeSync(openSync(path, 'a', LOCK_FILE_MODE));
  try {
    const database = openDatabase(path, { access: 'write', synchronous: 'NORMAL', waitMs });
    try {
      database.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
      throw error;
    }
    return { release: () => database.close() };
  } catch (error) {
    throw isBusy(error) ? busy(directory, waitMs, error) : error;
  }
}

/** SQLITE_BUSY, in the low byte of what it says. */
const BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === BUSY;
}

function busy(directory: string, waitMs: number, cause: unknown): Refusal {
  return new Refusal(
    'limit',
    `Another client is at work in ${directory}, and has not come to an end in ${waitMs / 1000} s.`,
    { subject: 'state', transient: true, cause },
  );
}
