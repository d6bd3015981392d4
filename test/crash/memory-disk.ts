import { dirname } from 'node:path';
import type { FileFacts, FileOps } from '../../src/disk/file-ops.ts';
import { systemError } from '../support/faults.ts';

interface File {
  bytes: Buffer;
  /** What an fsync has reached. */
  synced: Buffer;
  changedMs: number;
}
interface Directory {
  names: Map<string, File | 'directory'>;
  synced: Map<string, File | 'directory'>;
}

function emptyFile(): File {
  return { bytes: Buffer.alloc(0), synced: Buffer.alloc(0), changedMs: Date.now() };
}

/** What the disk did with what nobody had synced. */
export type Loss = 'names and data are lost' | 'names are kept, data is lost';

export interface MemoryDisk {
  readonly ops: FileOps;
  /** The disk after the power went, as its next owner finds it. */
  afterPowerLoss(loss: Loss): MemoryDisk;
}

/** A disk that remembers what was synced and what was not; `step` is called before each step and may cut the power. */
export function createMemoryDisk(
  step: () => void,
  directories = new Map<string, Directory>([['/', { names: new Map(), synced: new Map() }]]),
): MemoryDisk {
  const directoryOf = (path: string): Directory => {
    const found = directories.get(dirname(path));
    if (found === undefined) throw systemError('ENOENT');
    return found;
  };
  const inodes = new Map<File, number>();
  const numberOf = (file: File) => {
    const number = inodes.get(file) ?? inodes.size + 1;
    inodes.set(file, number);
    return number;
  };
  const nameOf = (path: string) => path.slice(dirname(path).length).replace(/^\//, '');
  const entry = (path: string) => directories.get(dirname(path))?.names.get(nameOf(path));
  const fileAt = (path: string): File => {
    const found = entry(path);
    if (found === undefined) throw systemError('ENOENT');
    if (found === 'directory') throw systemError('EISDIR');
    return found;
  };
  const facts = (found: File | 'directory'): FileFacts => ({
    kind: found === 'directory' ? 'directory' : 'file',
    size: found === 'directory' ? 0 : found.bytes.byteLength,
    mode: 0o700,
    uid: process.getuid?.() ?? 0,
    inode: found === 'directory' ? 0 : numberOf(found),
    links: 1,
    changedMs: found === 'directory' ? 0 : found.changedMs,
  });
  const open = (file: File) => ({
    read: async (into: Uint8Array, length: number, position: number) => {
      step();
      return file.bytes.subarray(position, position + length).copy(into);
    },
    write: async (bytes: Uint8Array, position: number) => {
      step();
      const end = Math.max(file.bytes.byteLength, position + bytes.byteLength);
      const next = Buffer.alloc(end);
      file.bytes.copy(next);
      next.set(bytes, position);
      file.bytes = next;
      file.changedMs = Date.now();
      return bytes.byteLength;
    },
    truncate: async () => {
      step();
      file.bytes = Buffer.alloc(0);
    },
    sync: async () => {
      step();
      file.synced = Buffer.from(file.bytes);
    },
    facts: async () => facts(file),
    close: async () => undefined,
  });

  const ops: FileOps = {
    openRead: async (path) => {
      step();
      return open(fileAt(path));
    },
    openNew: async (path) => {
      step();
      const directory = directoryOf(path);
      if (directory.names.has(nameOf(path))) throw systemError('EEXIST');
      const file = emptyFile();
      directory.names.set(nameOf(path), file);
      return open(file);
    },
    openAgain: async (path) => {
      step();
      return open(fileAt(path));
    },
    rename: async (from, to) => {
      step();
      const moved = entry(from);
      if (moved === undefined) throw systemError('ENOENT');
      if (moved === 'directory')
        for (const [path, directory] of [...directories])
          if (path === from || path.startsWith(`${from}/`)) {
            directories.set(to + path.slice(from.length), directory);
            directories.delete(path);
          }
      directoryOf(to).names.set(nameOf(to), moved);
      directoryOf(from).names.delete(nameOf(from));
    },
    link: async (from, to) => {
      step();
      const directory = directoryOf(to);
      if (directory.names.has(nameOf(to))) throw systemError('EEXIST');
      directory.names.set(nameOf(to), fileAt(from));
    },
    unlink: async (path) => {
      step();
      fileAt(path);
      directoryOf(path).names.delete(nameOf(path));
    },
    removeTree: async (path) => {
      step();
      for (const each of [...directories.keys()])
        if (each === path || each.startsWith(`${path}/`)) directories.delete(each);
      directoryOf(path).names.delete(nameOf(path));
    },
    makeDirectory: async (path) => {
      step();
      const parent = directoryOf(path);
      if (parent.names.has(nameOf(path))) throw systemError('EEXIST');
      parent.names.set(nameOf(path), 'directory');
      directories.set(path, { names: new Map(), synced: new Map() });
    },
    syncDirectory: async (path) => {
      step();
      const directory = directories.get(path);
      if (directory === undefined) throw systemError('ENOENT');
      directory.synced = new Map(directory.names);
    },
    list: async (path) => {
      step();
      const directory = directories.get(path);
      if (directory === undefined) throw systemError('ENOENT');
      return [...directory.names.keys()];
    },
    fileSystem: async () => 0xef53,
    facts: async (path) => {
      step();
      if (path === '/') return facts('directory');
      const found = entry(path);
      return found && facts(found);
    },
  };

  return {
    ops,
    afterPowerLoss(loss) {
      const left = new Map<string, Directory>();
      const keep = (path: string) => {
        const directory = directories.get(path);
        const source = loss === 'names and data are lost' ? directory?.synced : directory?.names;
        const names = new Map<string, File | 'directory'>();
        for (const [name, found] of source ?? []) {
          const below = path === '/' ? `/${name}` : `${path}/${name}`;
          if (found === 'directory') keep(below);
          names.set(
            name,
            found === 'directory'
              ? found
              : { ...found, bytes: Buffer.from(found.synced), synced: Buffer.from(found.synced) },
          );
        }
        left.set(path, { names, synced: new Map(names) });
      };
      keep('/');
      return createMemoryDisk(() => undefined, left);
    },
  };
}
