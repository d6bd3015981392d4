import { isAbsolute } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

// The only place that loads and opens SQLite. An open database belongs to SQLite: nothing in this process opens its file, its
// log or its index by node:fs, because closing any descriptor of a file drops the process's locks on it (fcntl(2)).

/** `immutable` is for a read-only mount: no locks, no shared memory, and nobody may write meanwhile. */
export type Access = 'write' | 'read' | 'immutable';

export interface OpenOptions {
  readonly access: Access;
  /** `FULL`: a commit is on the disk when it returns. `NORMAL`: a power cut may take the last seconds, a killed process nothing. */
  readonly synchronous: 'FULL' | 'NORMAL';
  /** How long a statement waits, and blocks its thread, while another connection holds what it needs. */
  readonly waitMs: number;
  /** Most bytes of the database file. */
  readonly maxBytes?: number | undefined;
}

/** Bytes of the log after which a commit copies it into the database. */
const CHECKPOINT_BYTES = 4 * 1024 * 1024;
/** The log file is cut to this after a large transaction. */
const LOG_BYTES = 16 * 1024 * 1024;
/** Page cache of one connection. */
const CACHE_KIB = 2000;

type Sqlite = typeof import('node:sqlite');
let loaded: Sqlite | undefined;

/** node 22 warns that SQLite is experimental, once a thread: what is pinned by tests here is no news to an operator. */
export function sqlite(): Sqlite {
  if (loaded !== undefined) return loaded;
  const emit = process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    loaded = process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emit;
  }
  return loaded;
}

/** Opens what is there, never more: a missing file is an error. The caller has looked at the files before. */
export function openDatabase(path: string, options: OpenOptions): DatabaseSync {
  // A relative path could begin with `file:`, which SQLite reads as an address with options of its own.
  if (!isAbsolute(path)) throw new TypeError(`${path} is not an absolute path`);
  const address = pathToFileURL(path);
  address.searchParams.set('mode', options.access === 'write' ? 'rw' : 'ro');
  if (options.access === 'immutable') address.searchParams.set('immutable', '1');
  const database = new (sqlite().DatabaseSync)(address, {
    readOnly: options.access !== 'write',
    timeout: options.waitMs,
    enableForeignKeyConstraints: false,
  });
  try {
    const pageBytes = integerOf(database.prepare('PRAGMA page_size').get()?.['page_size']);
    database.exec(settings(options, pageBytes));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function settings({ synchronous, waitMs, maxBytes }: OpenOptions, pageBytes: number): string {
  return [
    `PRAGMA busy_timeout = ${waitMs}`,
    // What a crafted file could make SQLite do on our behalf.
    'PRAGMA trusted_schema = OFF',
    'PRAGMA cell_size_check = ON',
    'PRAGMA mmap_size = 0',
    'PRAGMA temp_store = MEMORY',
    `PRAGMA cache_size = -${CACHE_KIB}`,
    `PRAGMA synchronous = ${synchronous}`,
    `PRAGMA wal_autocheckpoint = ${Math.ceil(CHECKPOINT_BYTES / pageBytes)}`,
    `PRAGMA journal_size_limit = ${LOG_BYTES}`,
    ...(maxBytes === undefined ? [] : [`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageBytes)}`]),
  ].join(';');
}

/** A database that says something no statement of ours can have written. */
export class DamagedDatabase extends Error {
  override readonly name = 'DamagedDatabase';
}

/** A whole number, where damage could have put anything: column types and ranges are not SQLite's to promise then. */
export function integerOf(value: SQLOutputValue | undefined): number {
  const number = typeof value === 'bigint' || typeof value === 'number' ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new DamagedDatabase('a number is none');
  return number;
}

export function textOf(value: SQLOutputValue | undefined): string {
  if (typeof value !== 'string') throw new DamagedDatabase('a text is none');
  return value;
}

export function bytesOf(value: SQLOutputValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new DamagedDatabase('bytes are none');
  return value;
}
