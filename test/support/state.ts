import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Databases } from '../../src/disk/databases.ts';
import type { FileOps } from '../../src/disk/file-ops.ts';
import { pathText } from '../../src/disk/state/item-path.ts';
import { openVolume, type Volume } from '../../src/disk/volume.ts';
import type { IndexState } from '../../src/ports/index-state.ts';
import type { ItemPath, StateStorage } from '../../src/ports/state-storage.ts';
import { createIndexState } from '../../src/state/index-state.ts';

export interface StateOptions {
  readonly index?: string;
  readonly ops?: FileOps;
  readonly sealKey?: Uint8Array | undefined;
  readonly sealEpochFile?: string | undefined;
}

/** What an index remembers in a data directory, as another process would have it open. */
export interface OpenedState {
  readonly state: IndexState;
  readonly volume: Volume;
  readonly databases: Databases;
  /** The directory of the index. */
  readonly directory: string;
  close(): Promise<void>;
}

/** Nothing is looked at before it is asked for. */
export async function openState(data: string, options: StateOptions = {}): Promise<OpenedState> {
  const { index = 'main', ops, sealKey, sealEpochFile } = options;
  const volume = await openVolume(data, ops === undefined ? {} : { ops });
  const { durable, root } = volume;
  const directoryOf = (name: string) => join(root, 'indexes', name);
  const databases = new Databases({
    durable,
    root,
    directoryOf,
    access: 'write',
    scan: true,
    sealKey,
    sealEpochFile,
  });
  return {
    state: createIndexState({ storage: databases.state, index }),
    volume,
    databases,
    directory: directoryOf(index),
    async close() {
      await databases.close();
      await volume.close();
    },
  };
}

/** For the time of one piece of work. */
export async function withState<T>(
  data: string,
  work: (state: IndexState, opened: OpenedState) => Promise<T>,
  options: StateOptions = {},
): Promise<T> {
  const opened = await openState(data, options);
  try {
    return await work(opened.state, opened);
  } finally {
    await opened.close();
  }
}

/** A change to an index's database by somebody who has the disk, and does not go through this program. */
export async function behindItsBack(data: string, sql: string, index = 'main'): Promise<string> {
  const path = join(data, 'indexes', index, 'state', 'state.db');
  // In a process of its own: what this one has open stays as it is.
  const script = `const { DatabaseSync } = require('node:sqlite');
const database = new DatabaseSync(process.argv[1], { timeout: 5000 });
let said = [];
for (const sql of JSON.parse(process.argv[2])) said = database.prepare(sql).all();
database.close();
process.stdout.write(JSON.stringify(said, (_, value) => value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value));`;
  const args = ['--no-warnings', '-e', script, path, JSON.stringify(sql.split(';\n'))];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout;
}

/** SQL's name of an item. */
export function sqlPath(...names: readonly string[]): string {
  return `'${pathText(names).replaceAll("'", "''")}'`;
}

/** Changes the last byte of every version of an item. */
export async function damageItem(data: string, [index, ...names]: ItemPath): Promise<void> {
  await behindItsBack(
    data,
    `UPDATE item SET value = CAST(substr(value, 1, length(value) - 1) || CASE substr(value, -1) WHEN x'00' THEN x'01' ELSE x'00' END AS BLOB) WHERE path = ${sqlPath(...names)}`,
    index,
  );
}

export async function itemsBelow(storage: StateStorage, below: ItemPath): Promise<readonly ItemPath[]> {
  const found: ItemPath[] = [];
  for await (const path of storage.items(below)) found.push(path);
  return found;
}
