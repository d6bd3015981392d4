import { join, resolve } from 'node:path';
import { Refusal } from '../bytes/refusal.ts';
import type { Config, IndexConfig } from '../config/config.ts';
import { createBlobStorage, type DiskBlobs, type DiskBlobsOptions } from '../disk/blob-storage.ts';
import { Databases } from '../disk/databases.ts';
import { createDurable } from '../disk/durable.ts';
import { nodeFileOps } from '../disk/file-ops.ts';
import { RecordsDatabase } from '../disk/records/records-database.ts';
import { type SmallBlobsOptions, withSmallBlobs } from '../disk/small-blobs.ts';
import type { SqliteState } from '../disk/state/sqlite-state.ts';
import { currentRoot, openVolume, type Volume } from '../disk/volume.ts';
import type { IndexState } from '../ports/index-state.ts';
import type { ItemPath } from '../ports/state-storage.ts';
import type { CarriedOver } from '../state/carry-over.ts';
import { createIndexState } from '../state/index-state.ts';
import { indexName } from '../state/paths.ts';
import { ScratchState } from '../state/scratch.ts';
import { carryOverIndexes, type LossWord } from './carry-over.ts';
import { type DiskSize, diskSizes } from './disk-sizes.ts';
import { type Kept, keptOf, recordBytes } from './kept.ts';
import { sealingOf } from './secrets.ts';

export interface OpenedIndex {
  readonly state: IndexState;
  /** Items that are damaged: reading one is Refusal `state`. */
  readonly damaged: readonly ItemPath[];
}

/** A data directory that this process uses, whether others use it too or not. */
export interface DataDirectory {
  readonly volume: Volume;
  readonly storage: SqliteState;
  /** What happened, and who was sent what. */
  readonly records: RecordsDatabase;
  /** Files and small documents, of no more than so many bytes together. */
  blobs(maxBytes: number, options: DiskBlobsOptions & SmallBlobsOptions): DiskBlobs;
  /** Where an index's state lies. */
  directoryOf(index: string): string;
  /** What an index remembers, checked whole. Throws Refusal `state` where it cannot be believed. */
  open(index: string): Promise<OpenedIndex>;
  /** What lies on disk besides fetched files. */
  sizes(): Promise<readonly DiskSize[]>;
  /** What of it is how much, and may be how much. */
  kept(): Promise<readonly Kept[]>;
  /** What it remembers, unchecked, for who is about to give up what does not hold. */
  unchecked(index: string): IndexState;
  /** What an operator's word let go when this directory was carried over from an earlier layout, if that was done just now. */
  readonly carried: CarriedOver | undefined;
  close(): Promise<void>;
}

export interface Opening {
  /** False for one command's time. */
  readonly serving?: boolean | undefined;
  readonly word?: LossWord | undefined;
  /** True where what indexes come to remember is forgotten when the directory is closed. */
  readonly rehearsal?: boolean | undefined;
}

/**
 * Opens or makes the data directory; one of an earlier layout is carried over first. Throws Refusal `state` where it may not be
 * used, or where not all of it is believed and no word accepts the loss.
 */
export async function openDataDirectory(
  config: Config,
  { serving = false, word, rehearsal = false }: Opening = {},
): Promise<DataDirectory> {
  const sealing = sealingOf(config);
  const volume = await openVolume(config.data, { allowFuse: config.allowFuse });
  const { root, durable } = volume;
  const { projectBytes } = config.cache;
  const directoryOf = (index: string) => directoryIn(root, index);
  const databases = new Databases({
    durable,
    root,
    directoryOf,
    access: serving ? 'serve' : 'write',
    scan: true,
    stateBytes: config.cache.stateBytes,
    recordBytes: recordBytes(config),
    ...sealing,
  });
  const close = async () => {
    await databases.close();
    await volume.close();
  };
  const { state: storage, records } = databases;
  const remembered = rehearsal ? new ScratchState(storage) : storage;
  try {
    const indexes = Object.keys(config.indexes);
    const carried = await carryOverIndexes({
      volume,
      state: storage,
      records,
      directoryOf,
      indexes,
      sealing,
      word,
    });
    return {
      volume,
      storage,
      records,
      blobs: (maxBytes, options) =>
        withSmallBlobs(createBlobStorage(volume, options), databases.documents(maxBytes), options),
      directoryOf,
      carried,
      async open(index) {
        const { damaged } = await databases.open(index);
        return { state: createIndexState({ storage: remembered, index, projectBytes }), damaged };
      },
      sizes: () =>
        diskSizes(
          volume.ops,
          root,
          indexes.map((index) => [index, directoryOf(index)] as const),
        ),
      kept: () => keptOf(databases, indexes, config.cache),
      unchecked: (index) => createIndexState({ storage, index, projectBytes }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where an index's state lies; its name comes from the configuration and is checked all the same. */
export function directoryIn(root: string, index: string): string {
  return join(root, 'indexes', indexName(index));
}

/** The records for one command's time, of a directory that need not be writable. Throws Refusal `state` where there is none. */
export async function withRecords<T>(config: Config, run: (records: RecordsDatabase) => Promise<T>): Promise<T> {
  if ((await nodeFileOps.facts(resolve(config.data))) === undefined)
    throw new Refusal('state', `There is no data directory ${config.data}, so nothing was recorded (--data).`, {
      subject: 'state',
    });
  const root = await currentRoot(config.data);
  // One of an earlier layout is carried over.
  if (root === undefined) return withDataDirectory(config, ({ records }) => run(records));
  const durable = createDurable({ ops: nodeFileOps, root, tempDirectory: join(root, 'tmp') });
  const records = new RecordsDatabase(durable, root, undefined);
  try {
    return await run(records);
  } finally {
    await records.close();
  }
}

/** The data directory for one command's time. */
export async function withDataDirectory<T>(config: Config, run: (directory: DataDirectory) => Promise<T>): Promise<T> {
  const directory = await openDataDirectory(config);
  try {
    return await run(directory);
  } finally {
    await directory.close();
  }
}

/** Throws Refusal `unlisted` for an index that is not configured. */
export function indexOf(config: Config, name: string): IndexConfig {
  const index = config.indexes[name];
  if (index === undefined)
    throw new Refusal('unlisted', `No index called ${name} is configured.`, { subject: 'request' });
  return index;
}
