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
