import type { DatabaseSync } from 'node:sqlite';
import { type Access, DamagedDatabase, integerOf, openDatabase } from './sqlite.ts';

/** What a database of ours consists of, to the letter: a file that holds anything else is not ours. */
export interface Schema {
  /** Written into the file's header: which of our databases it is, and which form of it. */
  readonly application: number;
  readonly version: number;
  /** Each as SQLite keeps it: no blanks at its ends, upper-case CREATE TABLE, CREATE INDEX. */
  readonly statements: readonly string[];
  /** Bytes of a page of a new database; each that is opened keeps those it was made with. */
  readonly pageBytes: number;
}

/**
 * Items, what was set aside of them, and the head: one row that says how much there is. A rowid and a unique index are twice
 * as fast as WITHOUT ROWID here; AUTOINCREMENT never gives a number twice, so that whoever follows the numbers misses nothing.
 * A page of a project with its pins is a chain of four or five pages of 4 KiB, and each is two calls to the log: in large ones
 * a commit takes half of the calls.
 */
export const STATE_SCHEMA: Schema = {
  application: 0x56624d31,
  version: 1,
  pageBytes: 32 * 1024,
  statements: [
    'CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL, digest BLOB NOT NULL, seal BLOB NOT NULL) STRICT',
    'CREATE UNIQUE INDEX item_version ON item (path, version)',
    'CREATE TABLE aside (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, path TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL, digest BLOB NOT NULL, seal BLOB NOT NULL) STRICT',
    'CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), content BLOB NOT NULL) STRICT',
  ],
};

/**
 * What happened and who was sent what, as lines of JSON; how many bytes there are of each kind, so that the oldest can go; and
 * the epochs of the indexes beside it.
 */
export const RECORDS_SCHEMA: Schema = {
  application: 0x56624d32,
  version: 1,
  pageBytes: 4096,
  statements: [
    'CREATE TABLE line (id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, content TEXT NOT NULL) STRICT',
    'CREATE INDEX line_kind ON line (kind, id)',
    'CREATE TABLE total (kind INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT',
    'CREATE TABLE epoch (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, epoch INTEGER NOT NULL) STRICT',
    'CREATE UNIQUE INDEX epoch_name ON epoch (name)',
  ],
};

/**
 * Small documents by their SHA-256: what can be had again. In pages of the usual size a document is a chain of five or ten,
 * each written by two calls to the log and by one more to the database.
 */
export const DOCUMENTS_SCHEMA: Schema = {
  application: 0x56624d33,
  version: 1,
  pageBytes: 32 * 1024,
  statements: [
    'CREATE TABLE document (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL, content BLOB NOT NULL) STRICT',
    'CREATE UNIQUE INDEX document_sha256 ON document (sha256)',
  ],
};

/** node 22 binds no bytes as NULL. */
export const INSERT_ITEM =
  "INSERT INTO item (path, version, value, digest, seal) VALUES (?, ?, coalesce(?, x''), ?, coalesce(?, x''))";

/** Makes a database in an empty file that nobody else knows of. */
export function createDatabase(path: string, schema: Schema): DatabaseSync {
  const { application, version, statements, pageBytes } = schema;
  const database = openDatabase(path, { access: 'write', synchronous: 'FULL', waitMs: 0 });
  try {
    database.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL`);
    database.exec(
      `BEGIN; ${statements.join(';')}; PRAGMA application_id = ${application}; PRAGMA user_version = ${version}; COMMIT`,
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Throws DamagedDatabase where the file is another database, or ours with a schema that we did not write. */
export function checkSchema(
  database: DatabaseSync,
  { application, version, statements }: Schema,
  access: Access = 'write',
): void {
  const pragma = (name: string) => database.prepare(`PRAGMA ${name}`).get()?.[name];
  if (integerOf(pragma('application_id')) !== application) throw new DamagedDatabase('it is another kind of database');
  if (integerOf(pragma('user_version')) !== version) throw new DamagedDatabase('it has another form');
  // What nobody may write has no log, whatever its header says.
  if (access !== 'immutable' && pragma('journal_mode') !== 'wal')
    throw new DamagedDatabase('it has no write-ahead log');
  const found = database
    .prepare("SELECT sql FROM sqlite_schema WHERE name IS NOT 'sqlite_sequence' OR type IS NOT 'table' LIMIT ?")
    .all(statements.length + 1)
    .map(({ sql }) => sql);
  if (found.length !== statements.length || !statements.every((statement) => found.includes(statement)))
    throw new DamagedDatabase('its tables are not the ones it was made with');
}
