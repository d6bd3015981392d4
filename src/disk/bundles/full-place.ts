import type { Refusal } from '../../bytes/refusal.ts';
import type { FileOps, OpenFile } from '../file-ops.ts';
import { isFull } from '../storage-errors.ts';

/** The same operations; where a disk has no room for what they write, they throw what `full` makes of it, for people. */
export function tellingWhereFull(ops: FileOps, full: (cause: unknown) => Refusal): FileOps {
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw isFull(error) ? full(error) : error;
    }
  };
  const tellingFile = (file: OpenFile): OpenFile => ({
    ...file,
    write: (bytes, position) => told(file.write(bytes, position)),
    sync: () => told(file.sync()),
  });
  return {
    ...ops,
    openNew: async (path, mode) => tellingFile(await told(ops.openNew(path, mode))),
    rename: (from, to) => told(ops.rename(from, to)),
    makeDirectory: (path) => told(ops.makeDirectory(path)),
    syncDirectory: (path) => told(ops.syncDirectory(path)),
  };
}
