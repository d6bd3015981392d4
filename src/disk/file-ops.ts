import { constants, type Stats } from 'node:fs';
import {
  chmod,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  statfs,
  unlink,
} from 'node:fs/promises';

// Every step the store takes on disk goes through here, so that tests can fail or kill it at any one of them.

export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  /** What tells it from the other files of its disk; given anew once it is gone. */
  readonly inode: number;
  /** Names it has. */
  readonly links: number;
  /** As fine as the system's clock tick, which is several milliseconds. */
  readonly changedMs: number;
}

export interface OpenFile {
  read(into: Uint8Array, length: number, position: number): Promise<number>;
  write(bytes: Uint8Array, position: number): Promise<number>;
  truncate(): Promise<void>;
  sync(): Promise<void>;
  facts(): Promise<FileFacts>;
  close(): Promise<void>;
}

export interface FileOps {
  /** The user whose files are taken for ours; this process's own where it does not say. */
  readonly owner?: number | undefined;
  /** Never follows a symlink and never waits for a FIFO's writer; the caller checks that it is a file. */
  openRead(path: string): Promise<OpenFile>;
  /** Fails where the name exists in any form. */
  openNew(path: string, mode: number): Promise<OpenFile>;
  /** For writing to a file of ours that may be read-only, which it is again afterwards. Never follows a symlink. */
  openAgain(path: string, mode: number): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  removeTree(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  /** What statfs(2) calls the kind of file system that a path lies on. */
  fileSystem(path: string): Promise<number>;
  /** Of the name itself; undefined where there is none. */
  facts(path: string): Promise<FileFacts | undefined>;
}

const OWNER_ONLY = 0o700;
const WRITABLE = 0o600;

function factsOf(stats: Stats): FileFacts {
  const kind = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'directory'
      : stats.isSymbolicLink()
        ? 'symlink'
        : 'other';
  const { size, mode, uid, ino: inode, nlink: links, mtimeMs: changedMs } = stats;
  return { kind, size, mode, uid, inode, links, changedMs };
}

function openFile(handle: FileHandle): OpenFile {
  return {
    read: async (into, length, position) => (await handle.read(into, 0, length, position)).bytesRead,
    write: async (bytes, position) => (await handle.write(bytes, 0, bytes.byteLength, position)).bytesWritten,
    truncate: () => handle.truncate(0),
    sync: () => handle.sync(),
    facts: async () => factsOf(await handle.stat()),
    close: () => handle.close(),
  };
}

/** The error code of a failed operation (`ENOENT`), or undefined for anything else thrown. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export const nodeFileOps: FileOps = {
  openRead: async (path) =>
    openFile(await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)),
  openNew: async (path, mode) => openFile(await open(path, 'wx+', mode)),
  openAgain: async (path, mode) => {
    if (!(await lstat(path)).isFile()) throw Object.assign(new Error(`${path} is no file`), { code: 'EISDIR' });
    await chmod(path, WRITABLE);
    const file = openFile(await open(path, constants.O_RDWR | constants.O_NOFOLLOW));
    try {
      await chmod(path, mode);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  },
  rename,
  link,
  unlink,
  removeTree: (path) => rm(path, { recursive: true, force: true }),
  makeDirectory: (path) => mkdir(path, OWNER_ONLY),
  syncDirectory: async (path) => {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  list: (path) => readdir(path),
  fileSystem: async (path) => (await statfs(path)).type,
  facts: async (path) => {
    try {
      return factsOf(await lstat(path));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
};

/**
 * Looks, and changes nothing: what would is refused as on a read-only mount. `owner`: whose files are looked at, which for the
 * superuser may be another's.
 */
export function readingFileOps(owner: number): FileOps {
  const refuse = (call: string) => async (): Promise<never> => {
    throw Object.assign(new Error(`${call}: opened to be read`), { code: 'EROFS' });
  };
  return {
    ...nodeFileOps,
    owner,
    openNew: refuse('open'),
    openAgain: refuse('open'),
    rename: refuse('rename'),
    link: refuse('link'),
    unlink: refuse('unlink'),
    removeTree: refuse('rm'),
    makeDirectory: refuse('mkdir'),
    syncDirectory: refuse('fsync'),
  };
}
