import { join } from 'node:path';
import { Refusal } from '../bytes/refusal.ts';
import type { Config, IndexConfig } from '../config/config.ts';
import { createBlobStorage, type DiskBlobs, type DiskBlobsOptions } from '../disk/blob-storage.ts';
import { Databases, type DatabasesOptions } from '../disk/databases.ts';
import { RecordsDatabase } from '../disk/records/records-database.ts';
import { type SmallBlobsOptions, withSmallBlobs } from '../disk/small-blobs.ts';
import type { SqliteState } from '../disk/state/sqlite-state.ts';
import { openVolume, type Volume, volumeToRead } from '../disk/volume.ts';
import type { Emit } from '../ports/events.ts';
import type { IndexState } from '../ports/index-state.ts';
import type { Peers } from '../ports/peers.ts';
import type { ItemPath } from '../ports/state-storage.ts';
import type { CarriedOver } from '../state/carry-over.ts';
import { createIndexState } from '../state/index-state.ts';
import { indexName } from '../state/paths.ts';
import { ScratchState } from '../state/scratch.ts';
import { carryOverIndexes, type LossWord } from './carry-over.ts';
import { type DiskSize, diskSizes } from './disk-sizes.ts';
import { type Fleet, fleetOf } from './fleet/fleet.ts';
import { type Kept, keptOf, recordBytes } from './kept.ts';
import { noEvents } from './no-events.ts';
import { ToldState } from './processes/told-state.ts';
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
  /** The replicas that share what indexes remember; undefined for a mirror that is alone, and for who only reads. */
  readonly fleet: Fleet | undefined;
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
  readonly emit?: Emit | undefined;
  /** Who has what indexes remember in memory, too. */
  readonly peers?: Peers | undefined;
}

/**
 * Opens or makes the data directory; one of an earlier layout is carried over first. Throws Refusal `state` where it may not be
 * used, or where not all of it is believed and no word accepts the loss.
 */
export async function openDataDirectory(
  config: Config,
  { serving = false, word, rehearsal = false, emit = noEvents, peers }: Opening = {},
): Promise<DataDirectory> {
  const sealing = sealingOf(config);
  const volume = await openVolume(config.data, { allowFuse: config.allowFuse });
  const databases = databasesOf(config, volume, serving ? 'serve' : 'write');
  let fleet: Fleet | undefined;
  const close = async () => {
    await fleet?.close();
    await databases.close();
    await volume.close();
  };
  try {
    fleet = fleetOf(config, databases.state, { follows: serving, emit });
    const carried = await carryOverIndexes({
      volume,
      state: databases.state,
      records: databases.records,
      directoryOf: (index) => directoryIn(volume.root, index),
      indexes: Object.keys(config.indexes),
      sealing,
      word,
    });
    return { ...directoryOver({ config, volume, databases, fleet, rehearsal, peers }), carried, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * The data directory to look at, whoever else uses it: nothing in it is made or changed, and what an index comes to remember is
 * forgotten when it is closed. Throws Refusal `state` where there is none, or it may not be read.
 */
export async function readDataDirectory(config: Config): Promise<DataDirectory> {
  const volume = await volumeToRead(config.data);
  const databases = databasesOf(config, volume, 'read');
  return {
    ...directoryOver({ config, volume, databases, fleet: undefined, rehearsal: true }),
    carried: undefined,
    close: () => databases.close(),
  };
}

function databasesOf(config: Config, { durable, root }: Volume, access: DatabasesOptions['access']): Databases {
  return new Databases({
    durable,
    root,
    directoryOf: (index) => directoryIn(root, index),
    access,
    scan: true,
    stateBytes: config.cache.stateBytes,
    recordBytes: recordBytes(config),
    ...sealingOf(config),
  });
}

interface DirectoryParts {
  readonly config: Config;
  readonly volume: Volume;
  readonly databases: Databases;
  readonly fleet: Fleet | undefined;
  readonly rehearsal: boolean;
  readonly peers?: Peers | undefined;
}

function directoryOver(parts: DirectoryParts): Omit<DataDirectory, 'carried' | 'close'> {
  const { config, volume, databases, fleet, rehearsal, peers } = parts;
  const { state: storage, records } = databases;
  const indexes = Object.keys(config.indexes);
  const { projectBytes } = config.cache;
  const written = fleet?.storage ?? storage;
  const shared = peers === undefined ? written : new ToldState(written, peers);
  const remembered = rehearsal ? new ScratchState(shared) : shared;
  const directoryOf = (index: string) => directoryIn(volume.root, index);
  return {
    volume,
    storage,
    records,
    fleet,
    blobs: (maxBytes, options) =>
      withSmallBlobs(createBlobStorage(volume, options), databases.documents(maxBytes), options),
    directoryOf,
    async open(index) {
      const { damaged } = await databases.open(index);
      await fleet?.open(index);
      return { state: createIndexState({ storage: remembered, index, projectBytes }), damaged };
    },
    sizes: () =>
      diskSizes(
        volume.ops,
        volume.root,
        indexes.map((index) => [index, directoryOf(index)] as const),
      ),
    kept: () => keptOf(databases, indexes, config.cache),
    unchecked: (index) => createIndexState({ storage, index, projectBytes }),
  };
}

/** Where an index's state lies; its name comes from the configuration and is checked all the same. */
export function directoryIn(root: string, index: string): string {
  return join(root, 'indexes', indexName(index));
}

/** The records for one command's time, of a directory that is only read. Throws Refusal `state` where there is none. */
export async function withRecords<T>(config: Config, run: (records: RecordsDatabase) => Promise<T>): Promise<T> {
  const { durable, root } = await volumeToRead(config.data);
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
  const address = config.addresses?.[name];
  if (address !== undefined)
    throw new Refusal(
      'unlisted',
      `${name} is one address over several indexes (${address.of.join(', ')}): name the one that is meant.`,
      { subject: 'request' },
    );
  if (index === undefined)
    throw new Refusal('unlisted', `No index called ${name} is configured.`, { subject: 'request' });
  return index;
}
