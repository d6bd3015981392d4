import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { codeOf, type FileOps, type OpenFile } from './file-ops.ts';

/** A file that nobody else can see yet; it must be committed or discarded. */
export interface Temp {
  readonly file: OpenFile;
  /** Everything to disk, then the name, then the directory that holds the name. After any failure the file is gone. */
  commit(path: string): Promise<void>;
  /** As `commit`, but only where the name is free; false (and the file gone) where another was first. */
  claim(path: string): Promise<boolean>;
  discard(): Promise<void>;
}

/** Writes that survive a crash whole or not at all. Nothing else in the project renames or links (DESIGN §3 "durable"). */
export interface Durable {
  readonly ops: FileOps;
  temp(mode: number): Promise<Temp>;
  /** A new directory that nobody else knows: whoever asked for it fills it and moves it away, or removes it. */
  tempDirectory(): Promise<string>;
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** False where the name is taken already: the compare-and-swap of everything that must not go back. */
  claim(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Moves a name out of the way, whatever kind of thing it is; durable before it resolves. */
  moveAway(from: string, to: string): Promise<void>;
  /** Makes a directory and its parents below `root`, each durable before it is used. */
  directory(path: string): Promise<void>;
}

const PRIVATE_FILE = 0o600;

/** Writes all of it; a short write is not an error of the disk. */
export async function writeAll(file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) done += await file.write(bytes.subarray(done), position + done);
}

/** `root` exists already; `tempDirectory` lies on the same filesystem and belongs to this process alone. */
export function createDurable(options: {
  readonly ops: FileOps;
  readonly root: string;
  readonly tempDirectory: string;
}): Durable {
  const { ops, root, tempDirectory } = options;
  const made = new Set<string>([root]);
  let count = 0;

  const directory = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    const parent = dirname(path);
    if (parent === path) throw new Error(`${path} is not below the data directory`);
    await directory(parent);
    try {
      await ops.makeDirectory(path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    // Also where it existed: its maker may have died before it was durable.
    await ops.syncDirectory(parent);
    made.add(path);
  };

  const openTemp = async (mode: number): Promise<{ path: string; file: OpenFile }> => {
    const path = join(tempDirectory, `${(count++).toString(36)}-${randomBytes(4).toString('hex')}`);
    try {
      return { path, file: await ops.openNew(path, mode) };
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      // A sibling on another host took an idle directory for a stale one.
      made.clear();
      made.add(root);
      await directory(tempDirectory);
      return { path, file: await ops.openNew(path, mode) };
    }
  };

  const tempFolder = async (): Promise<string> => {
    await directory(tempDirectory);
    const path = join(tempDirectory, `${(count++).toString(36)}-${randomBytes(4).toString('hex')}`);
    await ops.makeDirectory(path);
    return path;
  };

  const temp = async (mode: number): Promise<Temp> => {
    const { path: at, file } = await openTemp(mode);
    let open = true;
    let named = true;
    const close = async () => {
      if (!open) return;
      open = false;
      await file.close();
    };
    const discard = async () => {
      await close().catch(() => undefined);
      if (!named) return;
      named = false;
      await ops.unlink(at).catch(() => undefined);
    };
    const settle = async <T>(path: string, name: () => Promise<T>): Promise<T> => {
      try {
        // An fsync that failed may have dropped the pages it could not write: it is never tried again, the file goes.
        await file.sync();
        await close();
        await directory(dirname(path));
        try {
          return await name();
        } catch (error) {
          if (codeOf(error) !== 'ENOENT') throw error;
          // Somebody removed directories under a running process: they are made again, once.
          made.clear();
          made.add(root);
          await directory(dirname(path));
          return await name();
        }
      } catch (error) {
        await discard();
        throw error;
      }
    };
    return {
      file,
      discard,
      commit: (path) =>
        settle(path, async () => {
          await ops.rename(at, path);
          named = false;
          await ops.syncDirectory(dirname(path));
        }),
      claim: (path) =>
        settle(path, async () => {
          try {
            await ops.link(at, path);
          } catch (error) {
            if (codeOf(error) !== 'EEXIST') throw error;
            await discard();
            return false;
          }
          await ops.syncDirectory(dirname(path));
          await discard();
          return true;
        }),
    };
  };

  const filled = async (bytes: Uint8Array): Promise<Temp> => {
    const next = await temp(PRIVATE_FILE);
    try {
      await writeAll(next.file, bytes, 0);
      return next;
    } catch (error) {
      await next.discard();
      throw error;
    }
  };

  return {
    ops,
    temp,
    tempDirectory: tempFolder,
    directory,
    replace: async (path, bytes) => (await filled(bytes)).commit(path),
    claim: async (path, bytes) => (await filled(bytes)).claim(path),
    moveAway: async (from, to) => {
      await directory(dirname(to));
      await ops.rename(from, to);
      for (const path of made) if (path === from || path.startsWith(join(from, '/'))) made.delete(path);
      await ops.syncDirectory(dirname(to));
      if (dirname(from) !== dirname(to)) await ops.syncDirectory(dirname(from));
    },
  };
}
