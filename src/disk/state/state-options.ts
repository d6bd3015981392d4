import type { ItemPath } from '../../ports/state-storage.ts';
import type { DatabaseThread } from '../database/database-thread.ts';
import type { Epochs } from '../database/epochs.ts';
import type { Durable } from '../durable.ts';
import type { SealKeys } from './state-seal.ts';

export interface SqliteStateOptions {
  readonly durable: Durable;
  /** An index's directory; the database lies in a folder of its own below it. Throws Refusal for what is no index's name. */
  readonly directoryOf: (index: string) => string;
  /** The process's writing thread; undefined for a command that changes nothing. */
  readonly writing: DatabaseThread | undefined;
  /** The thread that reads what is large, and scans what was replaced while it was in use. */
  readonly reading: DatabaseThread;
  readonly keys: SealKeys | undefined;
  readonly epochs: Epochs;
  /** False for a command that looks at a few items: then it says nothing about the whole. */
  readonly scan: boolean;
  /** Most bytes of one index's database. */
  readonly maxBytes?: number | undefined;
  /** How long a lock of another process is waited for. */
  readonly waitMs?: number | undefined;
}

/** State to begin an index with. */
export interface FirstItem {
  readonly item: ItemPath;
  readonly version: number;
  readonly value: Uint8Array;
}

/** What is to be known of an index's state before it serves. */
export interface OpenedState {
  /** False where only what is read is checked. */
  readonly scanned: boolean;
  /** Versions found by the scan. */
  readonly versions: number;
  /** Items that a scan found damaged; reading one is Refusal `state`. */
  readonly damaged: readonly ItemPath[];
}
