import { DatabaseThread } from './database/database-thread.ts';
import { EpochFile } from './database/epoch-file.ts';
import { Epochs } from './database/epochs.ts';
import { keepReserve, withReserve } from './database/reserve.ts';
import type { Durable } from './durable.ts';
import { DocumentsDatabase } from './records/documents-database.ts';
import { RecordsDatabase } from './records/records-database.ts';
import { SqliteState } from './state/sqlite-state.ts';
import type { OpenedState } from './state/state-options.ts';
import { sealKeysOf } from './state/state-seal.ts';

export interface DatabasesOptions {
  readonly durable: Durable;
  /** The data directory. */
  readonly root: string;
  /** An index's directory. Throws Refusal for what is no index's name. */
  readonly directoryOf: (index: string) => string;
  /** `read` for a command that changes nothing: no database is made, and none is written. `serve` for a server, whose writes no scan delays once it serves. */
  readonly access: 'serve' | 'write' | 'read';
  /** False for a command that looks at a few items, and says nothing about the whole. */
  readonly scan: boolean;
  /** Most bytes of the state of each index; a limit of its own where nothing is said. */
  readonly stateBytes?: number | undefined;
  /** Most bytes of lines of records; a limit of its own where nothing is said. */
  readonly recordBytes?: number | undefined;
  /** Secret bytes: state carries a seal under it. */
  readonly sealKey?: Uint8Array | undefined;
  /** A file outside the data directory that remembers how new the sealed state was. */
  readonly sealEpochFile?: string | undefined;
}

/** What is large is read now and then; between two starts the thread for it is mostly not there. */
const READER_IDLE_MS = 15_000;
/** A database file of lines is as many times larger as they are, at most. */
const RECORDS_ROOM = 4;
/**
 * A process has one thread that writes, and one that reads what would hold up everything else, whatever it has open. Each is
 * started when it is first needed, and keeps no process alive.
 */
const THREADS = { reading: new DatabaseThread({ idleMs: READER_IDLE_MS }), writing: new DatabaseThread() };

/** The databases of one data directory in this process. Nothing is opened, and no thread runs, before it is needed. */
export class Databases {
  readonly state: SqliteState;
  readonly records: RecordsDatabase;
  readonly #options: DatabasesOptions;

  constructor(options: DatabasesOptions) {
    const { durable, root, directoryOf, access, scan, stateBytes, recordBytes, sealKey, sealEpochFile } = options;
    const writing = access === 'read' ? undefined : THREADS.writing;
    // Starting a thread takes longer than most of what a command has to do in it.
    const reading = access === 'write' ? THREADS.writing : THREADS.reading;
    this.#options = options;
    this.records = new RecordsDatabase(durable, root, writing, recordBytes && RECORDS_ROOM * recordBytes);
    const outside =
      sealKey === undefined || sealEpochFile === undefined ? [] : [new EpochFile(durable.ops, sealEpochFile)];
    this.state = new SqliteState({
      durable,
      directoryOf,
      writing,
      reading,
      keys: sealKey && sealKeysOf(sealKey),
      epochs: new Epochs([this.records, ...outside]),
      scan,
      maxBytes: stateBytes,
    });
  }

  /** Small files, of no more than so many bytes together. Whoever opens it closes it. */
  documents(mostBytes: number): DocumentsDatabase {
    const { durable, root, access } = this.#options;
    const writing = access === 'read' ? undefined : THREADS.writing;
    return new DocumentsDatabase({ durable, root, writing, mostBytes });
  }

  /** Checks an index's state before it serves, also on a disk that is full. Throws Refusal. */
  async open(index: string): Promise<OpenedState> {
    const { durable, root, access } = this.#options;
    const opened = await withReserve(durable, root, () => this.state.open(index));
    if (access !== 'read') await keepReserve(durable, root);
    return opened;
  }

  async close(): Promise<void> {
    await this.state.close();
    await this.records.close();
  }
}
