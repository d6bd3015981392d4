import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { DatabaseThread } from '../../../../src/disk/database/database-thread.ts';
import { type EpochNotes, Epochs } from '../../../../src/disk/database/epochs.ts';
import { sqlite } from '../../../../src/disk/database/sqlite.ts';
import { createDurable } from '../../../../src/disk/durable.ts';
import { type FileOps, nodeFileOps } from '../../../../src/disk/file-ops.ts';
import { DocumentsDatabase } from '../../../../src/disk/records/documents-database.ts';
import { RecordsDatabase } from '../../../../src/disk/records/records-database.ts';
import { pathText } from '../../../../src/disk/state/item-path.ts';
import { SqliteState } from '../../../../src/disk/state/sqlite-state.ts';
import { sealKeysOf } from '../../../../src/disk/state/state-seal.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';

/** Where an fsync costs nothing, if there is such a place: what a disk keeps is tried in test/crash. */
const MEMORY = '/dev/shm';

export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'verbatim-state-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface PartyOptions {
  readonly sealKey?: Uint8Array | undefined;
  readonly notes?: readonly EpochNotes[];
  readonly ops?: FileOps;
  readonly scan?: boolean;
  readonly readOnly?: boolean;
  readonly maxBytes?: number;
  readonly waitMs?: number;
  /** True for a test that ends the threads. */
  readonly ownThreads?: boolean;
}

export interface Party {
  readonly state: SqliteState;
  readonly writing: DatabaseThread;
  readonly reading: DatabaseThread;
  close(): Promise<void>;
}

/** Threads that the tests of a file share, as the indexes of a process do: starting one takes longer than most tests. */
const shared = { writing: new DatabaseThread(), reading: new DatabaseThread() };

/** One process's use of a data directory. */
export async function party(root: string, options: PartyOptions = {}): Promise<Party> {
  const { ops = nodeFileOps, notes = [], sealKey, scan = true, readOnly = false, maxBytes, waitMs } = options;
  const { writing, reading } = options.ownThreads === true ? ownThreads() : shared;
  await mkdir(join(root, 'tmp'), { recursive: true });
  const state = new SqliteState({
    durable: durableOf(root, ops),
    directoryOf: (index) => join(root, 'indexes', index),
    writing: readOnly ? undefined : writing,
    reading,
    keys: sealKey && sealKeysOf(sealKey),
    epochs: new Epochs(notes),
    scan,
    maxBytes,
    waitMs,
  });
  const close = () => state.close();
  onTestFinished(close);
  return { state, writing, reading, close };
}

function durableOf(root: string, ops: FileOps = nodeFileOps) {
  return createDurable({ ops, root, tempDirectory: join(root, 'tmp', String(parties++)) });
}
let parties = 0;

/** The records of a data directory. */
export function recordsOf(root: string, readOnly = false): RecordsDatabase {
  const records = new RecordsDatabase(durableOf(root), root, readOnly ? undefined : shared.writing);
  onTestFinished(() => records.close());
  return records;
}

function ownThreads(): { readonly writing: DatabaseThread; readonly reading: DatabaseThread } {
  const threads = { writing: new DatabaseThread(), reading: new DatabaseThread() };
  onTestFinished(async () => {
    await threads.writing.end();
    await threads.reading.end();
  });
  return threads;
}

/** Where an index's database lies. */
export function fileOf(root: string, index = 'main'): string {
  return join(root, 'indexes', index, 'state', 'state.db');
}

/** The database as somebody else would have it: no check stands before it. */
export function behindItsBack<T>(root: string, act: (database: DatabaseSync) => T, index = 'main'): T {
  const database = new (sqlite().DatabaseSync)(fileOf(root, index), { timeout: 5000 });
  try {
    return act(database);
  } finally {
    database.close();
  }
}

/** Changes one bit of every value of an item. */
export function flipValue(root: string, [index, ...names]: ItemPath): void {
  behindItsBack(
    root,
    (database) => {
      const rows = database.prepare('SELECT id, value FROM item WHERE path = ?').all(pathText(names));
      for (const { id, value } of rows) {
        if (!(value instanceof Uint8Array) || typeof id !== 'number') throw new Error('no value');
        value[0] = (value[0] ?? 0) ^ 1;
        database.prepare('UPDATE item SET value = ? WHERE id = ?').run(value, id);
      }
    },
    index,
  );
}

/** The small documents of a data directory. */
export function documentsOf(
  root: string,
  { mostBytes = 10_000_000, readOnly = false }: { readonly mostBytes?: number; readonly readOnly?: boolean } = {},
): DocumentsDatabase {
  const writing = readOnly ? undefined : shared.writing;
  const documents = new DocumentsDatabase({ durable: durableOf(root), root, writing, mostBytes });
  onTestFinished(() => documents.close());
  return documents;
}
