import { dirname } from 'node:path';
import { writeAll } from '../durable.ts';
import { codeOf, type FileOps } from '../file-ops.ts';

interface NewFile {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/** Makes all of these files, durably, or none: the path of one that is there already is given back then. */
export async function claimFiles(ops: FileOps, files: readonly NewFile[]): Promise<string | undefined> {
  const made: string[] = [];
  try {
    for (const { path, mode, bytes } of files) {
      const file = await ops.openNew(path, mode);
      made.push(path);
      try {
        await writeAll(file, bytes, 0);
        await file.sync();
      } finally {
        await file.close();
      }
      await ops.syncDirectory(dirname(path));
    }
    return undefined;
  } catch (error) {
    for (const path of made) await ops.unlink(path).catch(() => undefined);
    if (codeOf(error) === 'EEXIST') return files[made.length]?.path;
    throw error;
  }
}
