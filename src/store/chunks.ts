import type { Range, WriteChunk } from '../bytes/blob.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { FileOps, OpenFile } from './file-ops.ts';
import { CHUNK } from './limits.ts';
import type { Pool } from './pool.ts';
import type { Tags } from './tags.ts';

/** What is known of a proved blob: enough to check every chunk as it leaves. */
export interface Checked {
  readonly size: number;
  readonly tags: Tags;
}

function changed(what: string): Refusal {
  return new Refusal(
    'digest',
    `A stored file was changed on the mirror's disk (${what}). None of the changed bytes were sent; the file is fetched again.`,
    {
      subject: 'file',
      transient: true,
    },
  );
}

/** Reads until `length` bytes are there or the file ends. */
export async function readFully(file: OpenFile, into: Uint8Array, length: number, position: number): Promise<number> {
  let done = await file.read(into, length, position);
  if (done === 0) return 0;
  while (done < length) {
    const more = await file.read(into.subarray(done), length - done, position + done);
    if (more === 0) break;
    done += more;
  }
  return done;
}

/** Opens a blob for reading; anything but a regular file throws `digest`. */
export async function openRegular(
  ops: FileOps,
  path: string,
): Promise<{ readonly file: OpenFile; readonly size: number }> {
  const file = await ops.openRead(path);
  try {
    const facts = await file.facts();
    if (facts.kind !== 'file') throw changed(`it is a ${facts.kind} now`);
    return { file, size: facts.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Hands [start, end) to `write`, each chunk checked whole before any of its bytes is handed on (DESIGN J2).
 * While one buffer is written, the next chunk is read and checked in the other.
 */
export async function sendChecked(
  deps: { readonly ops: FileOps; readonly pool: Pool },
  path: string,
  blob: Checked,
  range: Range,
  write: WriteChunk,
  signal?: AbortSignal,
): Promise<void> {
  const { start, end } = range;
  if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= blob.size))
    throw new RangeError(`[${start}, ${end}) is not within ${blob.size} bytes`);
  let current = await deps.pool.take(signal);
  let spare: Buffer | undefined;
  let reading: Promise<unknown> | undefined;
  let file: OpenFile | undefined;
  try {
    const opened = await openRegular(deps.ops, path);
    const source = opened.file;
    file = source;
    if (opened.size !== blob.size) throw changed(`${opened.size} bytes instead of ${blob.size}`);
    const readChecked = async (index: number, into: Buffer): Promise<Buffer> => {
      const at = index * CHUNK;
      const length = Math.min(CHUNK, blob.size - at);
      const read = await readFully(source, into, length, at);
      const chunk = into.subarray(0, length);
      if (read !== length) throw changed('it is shorter now');
      if (!blob.tags.holds(index, chunk)) throw changed(`at byte ${at} or shortly after`);
      return chunk;
    };
    const last = end === start ? -1 : Math.ceil(end / CHUNK) - 1;
    let index = Math.floor(start / CHUNK);
    let chunk = index <= last ? await readChecked(index, current) : undefined;
    if (index < last) spare = deps.pool.takeSpare();
    while (chunk !== undefined) {
      signal?.throwIfAborted();
      const at = index * CHUNK;
      const part = chunk.subarray(Math.max(0, start - at), Math.min(chunk.byteLength, end - at));
      index++;
      if (index > last) {
        await write(part);
        return;
      }
      if (spare === undefined) {
        // No second buffer was free: one after the other.
        await write(part);
        chunk = await readChecked(index, current);
        continue;
      }
      const ahead = readChecked(index, spare);
      reading = ahead.catch(() => undefined);
      await write(part);
      chunk = await ahead;
      [current, spare] = [spare, current];
    }
  } finally {
    // A read in flight still owns its buffer and its file.
    await reading;
    deps.pool.give(current);
    if (spare !== undefined) deps.pool.give(spare);
    await file?.close();
  }
}

/** Reads a file from its first byte to its end, one pooled buffer, one chunk at a time; resolves with its size. */
export async function readWhole(
  deps: { readonly ops: FileOps; readonly pool: Pool },
  path: string,
  each: (index: number, chunk: Uint8Array) => void,
): Promise<number> {
  const buffer = await deps.pool.take();
  let file: OpenFile | undefined;
  try {
    file = (await openRegular(deps.ops, path)).file;
    for (let index = 0; ; index++) {
      const read = await readFully(file, buffer, CHUNK, index * CHUNK);
      if (read > 0) each(index, buffer.subarray(0, read));
      if (read < CHUNK) return index * CHUNK + read;
    }
  } finally {
    deps.pool.give(buffer);
    await file?.close();
  }
}
