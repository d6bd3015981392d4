import type { FileOps, OpenFile } from './file-ops.ts';
import { isMissing } from './storage-errors.ts';

/** A whole small file, or undefined where there is none. Anything but a regular file of at most `limit` bytes throws. */
export async function readSmall(ops: FileOps, path: string, limit: number): Promise<Buffer | undefined> {
  const file = await ops.openRead(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    return await readWhole(file, path, limit);
  } finally {
    await file.close();
  }
}

/** All of an open file. Anything but a regular file of at most `limit` bytes throws. */
export async function readWhole(file: OpenFile, path: string, limit: number): Promise<Buffer> {
  const { kind, size } = await file.facts();
  if (kind !== 'file') throw new Error(`${path} is not a regular file`);
  if (size > limit) throw new Error(`${path} is larger than ${limit} bytes`);
  const bytes = Buffer.alloc(size);
  return bytes.subarray(0, await readFull(file, bytes, 0));
}

/** Fills `into` from `position` on. Resolves with the number of bytes, fewer only at the end. */
export async function readFull(file: OpenFile, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.byteLength) {
    const more = await file.read(into.subarray(done), into.byteLength - done, position + done);
    if (more === 0) break;
    done += more;
  }
  return done;
}
