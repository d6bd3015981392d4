import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { codeOf, type FileOps, factsOf, type OpenFile, OWNER_ONLY, WRITABLE } from './file-ops.ts';

function openFile(descriptor: number): OpenFile {
  return {
    read: async (into, length, position) => readSync(descriptor, into, 0, length, position),
    write: async (bytes, position) => writeSync(descriptor, bytes, 0, bytes.byteLength, position),
    truncate: async () => ftruncateSync(descriptor, 0),
    sync: async () => fsyncSync(descriptor),
    facts: async () => factsOf(fstatSync(descriptor)),
    close: async () => closeSync(descriptor),
  };
}

/**
 * The same steps as `nodeFileOps`, on the calling thread: for a program that has nothing else to do meanwhile. A step of a few
 * microseconds costs several times that where it is handed to another thread and back.
 */
export const blockingFileOps: FileOps = {
  openRead: async (path) => openFile(openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)),
  openNew: async (path, mode) => openFile(openSync(path, 'wx+', mode)),
  openAgain: async (path, mode) => {
    if (!lstatSync(path).isFile()) throw Object.assign(new Error(`${path} is no file`), { code: 'EISDIR' });
    chmodSync(path, WRITABLE);
    const descriptor = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      chmodSync(path, mode);
      return openFile(descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  },
  rename: async (from, to) => renameSync(from, to),
  link: async (from, to) => linkSync(from, to),
  unlink: async (path) => unlinkSync(path),
  removeTree: async (path) => rmSync(path, { recursive: true, force: true }),
  makeDirectory: async (path) => mkdirSync(path, OWNER_ONLY),
  syncDirectory: async (path) => {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
  list: async (path) => readdirSync(path),
  fileSystem: async (path) => statfsSync(path).type,
  facts: async (path) => {
    try {
      return factsOf(lstatSync(path));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
};
