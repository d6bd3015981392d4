import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { FileOps } from './file-ops.ts';
import { isMissing } from './storage-errors.ts';

/** A whole small file, or undefined where there is none. Anything but a regular file of at most `limit` bytes throws. */
export async function readSmall(ops: FileOps, path: string, limit: number): Promise<Buffer | undefined> {
  const file = await ops.openRead(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { kind, size } = await file.facts();
    if (kind !== 'file') throw new Error(`${path} is not a regular file`);
    if (size > limit) throw new Error(`${path} is larger than ${limit} bytes`);
    const bytes = Buffer.alloc(size);
    let length = 0;
    while (length < size) {
      const read = await file.read(bytes.subarray(length), size - length, length);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** The start of a tiny file without waiting, for a hint; undefined for anything that is not a regular file. */
export function peekSmall(path: string, limit: number): Buffer | undefined {
  let file: number | undefined;
  try {
    // Never through a symlink, and never waiting for a FIFO's writer: this runs on the event loop.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!fstatSync(file).isFile()) return undefined;
    const bytes = Buffer.alloc(limit);
    return bytes.subarray(0, readSync(file, bytes, 0, limit, 0));
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
