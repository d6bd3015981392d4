import { dirname, join } from 'node:path';
import { codeOf, type FileOps } from './file-ops.ts';

/** The directories below a root. Somebody may remove them under a running process: then they are made again, once. */
export interface Folders {
  /** Makes it and its parents, each durable before it is used. */
  make(path: string): Promise<void>;
  /** Runs what needs the directory of `path`; where that is missing, makes it as `make` does and tries once more. */
  inside<T>(path: string, task: () => Promise<T>): Promise<T>;
  /** As `inside`, but a directory made for it may still be lost in a power cut. */
  insideSoon<T>(path: string, task: () => Promise<T>): Promise<T>;
  /** A directory was moved away, with all below it. */
  forget(path: string): void;
}

export function createFolders(ops: FileOps, root: string): Folders {
  /** Known to be there, and durable. */
  const made = new Set<string>([root]);
  /** Known to be there. */
  const madeSoon = new Set<string>();

  const makeOne = async (path: string) => {
    try {
      await ops.makeDirectory(path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  };
  const parentOf = (path: string): string => {
    const parent = dirname(path);
    if (parent === path) throw new Error(`${path} is not below the data directory`);
    return parent;
  };
  const make = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    const parent = parentOf(path);
    await make(parent);
    await makeOne(path);
    // Also where it existed: its maker may have died before it was durable.
    await ops.syncDirectory(parent);
    made.add(path);
  };
  const makeSoon = async (path: string): Promise<void> => {
    if (path === root) return;
    try {
      await makeOne(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      await makeSoon(parentOf(path));
      await makeOne(path);
    }
  };
  const orAgain = async <T>(task: () => Promise<T>, makeIt: () => Promise<void>): Promise<T> => {
    try {
      return await task();
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      await makeIt();
      return task();
    }
  };

  return {
    make,
    inside: (path, task) =>
      orAgain(task, () => {
        made.clear();
        made.add(root);
        return make(dirname(path));
      }),
    async insideSoon(path, task) {
      const folder = dirname(path);
      if (!made.has(folder) && !madeSoon.has(folder)) {
        await makeSoon(folder);
        madeSoon.add(folder);
      }
      return orAgain(task, () => makeSoon(folder));
    },
    forget(path) {
      for (const known of [made, madeSoon])
        for (const each of known) if (each === path || each.startsWith(join(path, '/'))) known.delete(each);
    },
  };
}
