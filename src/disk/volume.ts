import { realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Refusal } from '../bytes/refusal.ts';
import { blobPaths, keyOfTemp } from './blob-paths.ts';
import { checkFileSystem } from './database/file-system-kind.ts';
import { createDurable, type Durable, writeAll } from './durable.ts';
import { codeOf, type FileOps, nodeFileOps, readingFileOps } from './file-ops.ts';
import { FOREIGN_TEMP_MS } from './limits.ts';
import { newOwnerName, ownerState } from './owner.ts';
import { checkPlaces } from './places.ts';
import { readSmall } from './read-file.ts';
import { isFull } from './storage-errors.ts';

/** The layout this program writes; a higher number in VERSION is a newer program's directory. */
export const LAYOUT = 2;

const WORLD_WRITABLE = 0o002;
const VERSION_FILE = 'VERSION';
const VERSION_BYTES = 64;

/** A data directory that may be used: ours, private, of a layout we know, and able to write durably. */
export interface Volume {
  readonly root: string;
  readonly durable: Durable;
  readonly ops: FileOps;
  /** The layout it was found in. */
  readonly layout: number;
  /** From now on it is of the layout that this program writes: an earlier program refuses it. Durable when it resolves. */
  finishLayout(): Promise<void>;
  /** True where another process seems to use it: one that lives, or one of another host or container that wrote within the hour. */
  isShared(): Promise<boolean>;
  /** Writes something small durably and takes it away again. Rejects where that cannot be done. */
  probe(): Promise<void>;
  /** Removes this process's temporary directory. */
  close(): Promise<void>;
}

function refuse(message: string, cause?: unknown): Refusal {
  return new Refusal('state', message, { subject: 'state', cause });
}

/** `isReader`: the superuser may look at another's. Resolves to whose it is. */
async function checkRoot(ops: FileOps, root: string, isReader = false): Promise<number> {
  const facts = await ops.facts(root);
  if (facts === undefined) throw refuse(`The data directory ${root} does not exist and could not be made.`);
  if (facts.kind === 'symlink')
    throw refuse(
      `The data directory ${root} is a symbolic link. Name the directory itself, so that nobody can move it elsewhere.`,
    );
  if (facts.kind !== 'directory') throw refuse(`The data directory ${root} is not a directory.`);
  const uid = process.getuid?.();
  if (uid !== undefined && facts.uid !== uid && !(isReader && uid === 0))
    throw refuse(
      `The data directory ${root} belongs to another user (${facts.uid}). Run as that user, or give it to user ${uid}.`,
    );
  if ((facts.mode & WORLD_WRITABLE) !== 0)
    throw refuse(`Everybody may write to the data directory ${root}. Run: chmod o-w ${root}`);
  return facts.uid;
}

/** Where a link of the superuser's leads, for whoever is another: systemd makes one for `StateDirectory=` of a `DynamicUser=`. */
async function behindLink(ops: FileOps, root: string): Promise<string> {
  const facts = await ops.facts(root);
  return facts?.kind === 'symlink' && facts.uid === 0 && process.getuid?.() !== 0 ? realpath(root) : root;
}

/** Makes the data directory and its missing parents; each name is durable, or a power cut could take everything below it. */
async function makeRoot(ops: FileOps, root: string): Promise<void> {
  if ((await ops.facts(root)) !== undefined) return;
  const parent = dirname(root);
  if (parent !== root) await makeRoot(ops, parent);
  try {
    await ops.makeDirectory(root);
    await ops.syncDirectory(parent);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST')
      throw refuse(`The data directory ${root} could not be made (${codeOf(error) ?? 'unknown error'}).`, error);
  }
}

/** Undefined for a directory that says nothing. Throws Refusal `state` for a number that this program does not know. */
async function readLayout(ops: FileOps, root: string): Promise<number | undefined> {
  const path = join(root, VERSION_FILE);
  const bytes = await readSmall(ops, path, VERSION_BYTES).catch((error: unknown) => {
    throw refuse(
      `${path} cannot be read; it says which program wrote this directory. Restore it, or use an empty directory.`,
      error,
    );
  });
  if (bytes === undefined) return undefined;
  const text = bytes.toString('latin1').trim();
  if (!/^[1-9][0-9]{0,8}$/.test(text))
    throw refuse(`${path} does not hold a layout number. Restore it, or use an empty directory.`);
  if (Number(text) > LAYOUT)
    throw refuse(
      `The data directory ${root} was written by a newer Verbatim (layout ${text}, this one knows ${LAYOUT}). Run the newer version, or use another directory.`,
    );
  return Number(text);
}

async function checkLayout(ops: FileOps, durable: Durable, root: string): Promise<number> {
  const layout = await readLayout(ops, root);
  if (layout === undefined) await writeLayout(durable, root);
  return layout ?? LAYOUT;
}

function writeLayout(durable: Durable, root: string): Promise<void> {
  return durable.replace(join(root, VERSION_FILE), Buffer.from(`${LAYOUT}\n`));
}

async function newestChange(ops: FileOps, directory: string): Promise<number> {
  let newest = (await ops.facts(directory))?.changedMs ?? 0;
  for (const name of await ops.list(directory))
    newest = Math.max(newest, (await ops.facts(join(directory, name)))?.changedMs ?? 0);
  return newest;
}

/** Downloads that a process which is gone had under way are kept, to go on from. */
async function keepPartials(durable: Durable, root: string, directory: string): Promise<void> {
  const { ops } = durable;
  const { partials, partial } = blobPaths(root);
  for (const name of await ops.list(directory)) {
    const key = keyOfTemp(name);
    if (key === undefined) continue;
    await durable.directory(partials);
    await ops.rename(join(directory, name), partial(key));
  }
}

/** Removes what processes that are gone left behind; a live sibling's files stay. */
async function removeStale(durable: Durable, root: string, parent: string, nowMs: number): Promise<void> {
  const { ops } = durable;
  for (const name of await ops.list(parent)) {
    const path = join(parent, name);
    const state = ownerState(name);
    if (state === 'alive') continue;
    try {
      if (
        state === 'unknown' &&
        (await ops.facts(path))?.kind === 'directory' &&
        nowMs - (await newestChange(ops, path)) < FOREIGN_TEMP_MS
      )
        continue;
      if ((await ops.facts(path))?.kind === 'directory') await keepPartials(durable, root, path);
      await ops.removeTree(path);
    } catch {
      // Not ours to insist: a sibling may be removing it too, and a leftover harms nothing but space.
    }
  }
}

/** Renames and links once for real, so that a filesystem that cannot is refused at start and not at the first publish. */
async function probe(durable: Durable, directory: string): Promise<void> {
  const path = join(directory, 'probe');
  await durable.replace(path, new Uint8Array());
  await durable.ops.unlink(path);
  await durable.claim(path, new Uint8Array());
  await durable.ops.unlink(path);
}

async function writeOnce(durable: Durable): Promise<void> {
  const temp = await durable.temp(0o600);
  try {
    await writeAll(temp.file, Uint8Array.of(1), 0);
    await temp.file.sync();
  } finally {
    await temp.discard();
  }
}

export interface VolumeOptions {
  readonly ops?: FileOps;
  readonly nowMs?: () => number;
  /** True where it may lie on a FUSE file system. */
  readonly allowFuse?: boolean | undefined;
}

/** Opens or makes a data directory; throws Refusal `state` where its bytes could be anybody's. */
export async function openVolume(directory: string, options: VolumeOptions = {}): Promise<Volume> {
  const ops = options.ops ?? nodeFileOps;
  const root = await behindLink(ops, resolve(directory));
  await makeRoot(ops, root);
  await checkRoot(ops, root);
  await checkFileSystem(ops, root, options.allowFuse ?? false);
  const temps = join(root, 'tmp');
  const own = join(temps, newOwnerName());
  const durable = createDurable({ ops, root, tempDirectory: own });
  let layout: number;
  try {
    await checkPlaces(ops, root);
    await durable.directory(own);
    layout = await checkLayout(ops, durable, root);
    await removeStale(durable, root, temps, (options.nowMs ?? Date.now)());
    await probe(durable, own);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if (isFull(error))
      throw new Refusal(
        'limit',
        `The disk of the data directory ${root} is full (${codeOf(error)}). Make room on it, and start again.`,
        { subject: 'state', cause: error },
      );
    throw refuse(
      `The data directory ${root} cannot be written durably (${codeOf(error) ?? 'unknown error'}). It needs free space and a filesystem with rename, hard links and fsync of directories.`,
      error,
    );
  }
  return {
    root,
    durable,
    ops,
    layout,
    finishLayout: () => writeLayout(durable, root),
    // What is left there is ours, or of a process that may live: all else was removed above.
    isShared: async () => (await ops.list(temps)).some((name) => join(temps, name) !== own),
    probe: () => writeOnce(durable),
    close: () => ops.removeTree(own),
  };
}

/**
 * A data directory to look at: nothing is made or changed in it. It may be named by a link, and be another user's where this is the
 * superuser (systemd's DynamicUser). Throws Refusal `state` where there is none, or it may not or cannot be read.
 */
export async function volumeToRead(directory: string): Promise<Volume> {
  const root = await realpath(resolve(directory)).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT')
      throw refuse(`There is no data directory ${directory}: nothing is held, and nothing was recorded (--data).`);
    throw unreadable(directory, error);
  });
  const ops = readingFileOps(await checkRoot(nodeFileOps, root, true));
  const layout = await readLayout(ops, root);
  if (layout === undefined)
    throw refuse(`${root} is no data directory, or an empty one: nothing is held, and nothing was recorded (--data).`);
  if (layout < LAYOUT)
    throw refuse(
      `The data directory ${root} was written by an earlier Verbatim. "verbatim serve" carries it over; then it can be read.`,
    );
  await ops.list(root).catch((error: unknown) => {
    throw unreadable(root, error);
  });
  return {
    root,
    durable: createDurable({ ops, root, tempDirectory: join(root, 'tmp') }),
    ops,
    layout,
    finishLayout: () => Promise.reject(new Error(`${root} was opened to be read`)),
    isShared: async () => true,
    probe: () => Promise.reject(new Error(`${root} was opened to be read`)),
    close: async () => undefined,
  };
}

function unreadable(directory: string, error: unknown): Refusal {
  return refuse(
    `The data directory ${directory} cannot be read (${codeOf(error) ?? 'unknown error'}). Run as the user whose it is, or as root.`,
    error,
  );
}
