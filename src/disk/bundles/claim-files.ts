import { dirname } from 'node:path';
import { Refusal } from '../../bytes/refusal.ts';
import { writeAll } from '../durable.ts';
import { codeOf, type FileOps } from '../file-ops.ts';
import { isFull, isMissing } from '../storage-errors.ts';

interface NewFile {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/** Makes all of these files, durably, or none: the path of one that is there already is given back then. Throws Refusal where the disk does not take one. */
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
    const path = files[Math.min(made.length, files.length - 1)]?.path ?? '';
    if (codeOf(error) === 'EEXIST') return path;
    throw unwritten(path, error);
  }
}

function unwritten(path: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code === undefined) return cause;
  const how = { subject: 'request', cause } as const;
  if (isFull(cause))
    return new Refusal('limit', `The disk of ${path} is full (${code}), and nothing was left there: make room.`, how);
  const why = isMissing(cause)
    ? `${dirname(path)} is not there: make it first (mkdir)`
    : `it cannot be written (${code})`;
  return new Refusal('state', `Nothing was written to ${path}: ${why}.`, how);
}
