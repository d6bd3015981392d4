import { constants, lstatSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../../bytes/refusal.ts';
import { codeOf, type FileOps } from '../file-ops.ts';
import { readSmall } from '../read-file.ts';
import type { Schema } from './schema.ts';
import type { Access } from './sqlite.ts';
import { type DatabaseName, damaged } from './trouble.ts';

/** Where a database lies: in a folder of its own, beside a file that names it, so that one that is gone is not taken for a new one. */
export interface Place extends DatabaseName {
  /** The database's own name, such as `state`: it lies in `FOLDER/NAME.db`. */
  readonly name: string;
  readonly folder: string;
  /** What the file beside it says. */
  readonly format: string;
  readonly schema: Schema;
}

const FORMAT_FILE = 'format';
const FORMAT_BYTES = 256;

export function placeOf(folder: string, name: string, schema: Schema, words: Omit<DatabaseName, 'path'>): Place {
  const path = join(folder, `${name}.db`);
  return { ...words, name, folder, path, schema, format: `${name}.db ${schema.version}\n` };
}

export function formatPath({ folder }: Place): string {
  return join(folder, FORMAT_FILE);
}

/**
 * Looks at a database's files before it is opened, by their names alone. False where there is no folder: a new database.
 * Throws Refusal `state` for anything that SQLite would follow, obey or begin anew without a word.
 */
export async function checkPlace(ops: FileOps, place: Place): Promise<boolean> {
  const folder = await ops.facts(place.folder);
  if (folder === undefined) return false;
  const uid = ops.owner ?? process.getuid?.() ?? folder.uid;
  if (folder.kind !== 'directory' || folder.uid !== uid)
    throw damaged({ ...place, path: place.folder }, 'is not a directory of ours');
  await checkFormat(ops, place);
  for (const suffix of ['', '-wal', '-shm']) {
    const path = place.path + suffix;
    const facts = await ops.facts(path);
    if (facts === undefined && suffix !== '') continue;
    if (facts === undefined) throw damaged(place, 'is missing');
    if (facts.kind !== 'file' || facts.uid !== uid || facts.links !== 1)
      throw damaged({ ...place, path }, 'is not a file of ours with one name');
    // SQLite takes an empty file for a new database.
    if (suffix === '' && facts.size === 0) throw damaged(place, 'is empty');
  }
  // Ours has none, and SQLite obeys what one says: which bytes to put back, and which other files to remove.
  if ((await ops.facts(`${place.path}-journal`)) !== undefined)
    throw damaged({ ...place, path: `${place.path}-journal` }, 'is there, and was not written by us');
  return true;
}

async function checkFormat(ops: FileOps, place: Place): Promise<void> {
  const path = formatPath(place);
  const text = await readSmall(ops, path, FORMAT_BYTES).then(
    (bytes) => bytes?.toString('latin1'),
    (error: unknown) => {
      throw damaged({ ...place, path }, 'cannot be read', error);
    },
  );
  if (text === place.format) return;
  const version = /^[a-z]+\.db ([1-9][0-9]{0,8})\n$/.exec(text ?? '')?.[1];
  if (Number(version) > place.schema.version)
    throw new Refusal(
      'state',
      `${place.path} was written by a newer Verbatim (form ${version}, this one knows ${place.schema.version}). Run the newer version, or use another directory.`,
      { subject: 'state' },
    );
  throw damaged({ ...place, path }, 'is missing, or does not name the database beside it');
}

/** What tells a database file from another one of the same name: it was set aside, or somebody put another in its place. */
export function inodeOf({ path }: DatabaseName): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** The same. Throws Refusal `state` where it is gone since it was looked at. */
export function knownInodeOf(place: DatabaseName): number {
  const inode = inodeOf(place);
  if (inode === undefined) throw damaged(place, 'is missing');
  return inode;
}

/** Throws Refusal `state` where the name leads to another file than the one that was opened. */
export function checkInode(place: DatabaseName, inode: number): void {
  if (inodeOf(place) !== inode) throw damaged(place, 'was moved away or replaced while it was in use');
}

/**
 * How a database is read. Where nobody has it open, no log lies beside it, and whoever opened it otherwise would have SQLite make
 * one: `isReader`, who must not, reads what lies there whole. So does everybody where nothing can be written, not even the file that
 * connections share.
 */
export async function accessOf(ops: FileOps, place: Place, isReader: boolean): Promise<Access> {
  const hasLog = (await ops.facts(`${place.path}-wal`)) !== undefined;
  if (isReader && !hasLog) return 'immutable';
  const code = await access(place.folder, constants.W_OK).then(() => undefined, codeOf);
  if (code !== 'EROFS') return 'read';
  if (!hasLog) return 'immutable';
  throw new Refusal(
    'state',
    `${place.path} lies on a read-only file system beside changes that are not in it yet (${place.path}-wal). Let a mirror that may write close it first, or look at a copy of the directory.`,
    { subject: 'state' },
  );
}
