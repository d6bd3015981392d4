import { DatabaseThread } from './database/database-thread.ts';
import { EpochFile } from './database/epoch-file.ts';
import { Epochs } from './database/epochs.ts';
import { keepReserve, withReserve } from './database/reserve.ts';
import type { Durable } from './durable.ts';
import { RecordsDatabase } from './records/records-database.ts';
import { type OpenedState, SqliteState } from './state/sqlite-state.ts';
import { sealKeysOf } from './state/state-seal.ts';

export interface DatabasesOptions {
  readonly durable: Durable;
  /** The data directory. */
  readonly root: string;
  /** An index's directory. Throws Refusal for what is no index's name. */
  readonly directoryOf: (index: string) => string;
  /** `read` for a command that changes nothing: no database is made, and none is written. */
  readonly access: 'write' | 'read';
  /** False for a command that looks at a few items, and says nothing about the whole. */
  readonly scan: boolean;
  /** Secret bytes: state carries a seal under it. */
  readonly sealKey?: Uint8Array | undefined;
  /** A file outside the data directory that remembers how new the sealed state was. */
  readonly sealEpochFile?: string | undefined;
}

/** What is large is read now and then; between two starts the thread for it is mostly not there. */
const READER_IDLE_MS = 15_000;

/** The databases of one data directory in this process. Nothing is opened, and no thread runs, before it is needed. */
export class Databases {
  readonly state: SqliteState;
  readonly records: RecordsDatabase;
  readonly #options: DatabasesOptions;
  readonly #threads: readonly DatabaseThread[];

  constructor(options: DatabasesOptions) {
    const { durable, root, directoryOf, access, scan, sealKey, sealEpochFile } = options;
    const reading = new DatabaseThread({ idleMs: READER_IDLE_MS });
    const writing = access === 'write' ? new DatabaseThread() : undefined;
    this.#options = options;
    this.#threads = [reading, ...(writing === undefined ? [] : [writing])];
    this.records = new RecordsDatabase(durable, root, writing);
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
    });
  }

  /** Checks an index's state before it serves, also on a disk that is full. Throws Refusal. */
  async open(index: string): Promise<OpenedState> {
    const { durable, root, access } = this.#options;
    const opened = await withReserve(durable, root, () => this.state.open(index));
    if (access === 'write') await keepReserve(durable, root);
    return opened;
  }

  async close(): Promise<void> {
    await this.state.close();
    await this.records.close();
    for (const thread of this.#threads) await thread.end();
  }
}
