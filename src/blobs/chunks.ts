import type { Caller } from '../async/caller.ts';
import type { Range, WriteChunk } from '../bytes/blob.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { FileOps, OpenFile } from '../disk/file-ops.ts';
import type { ChunkBuffers, Lent } from './chunk-buffers.ts';
import { CHUNK } from './limits.ts';
import type { Held, SharedChunks } from './shared-chunks.ts';
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

interface SendDeps {
  readonly ops: FileOps;
  readonly buffers: ChunkBuffers;
  readonly shared: SharedChunks;
}

/**
 * Hands [start, end) to `write`, each chunk checked whole before any of its bytes is handed on (DESIGN J2).
 * While one is written, the next is read and checked in a second buffer, if there is one to be had.
 */
export async function sendChecked(
  deps: SendDeps,
  path: string,
  blob: Checked,
  range: Range,
  write: WriteChunk,
  caller: Caller,
): Promise<void> {
  const { start, end } = range;
  if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= blob.size))
    throw new RangeError(`[${start}, ${end}) is not within ${blob.size} bytes`);
  const lent: Lent[] = [await deps.buffers.take(caller)];
  const idle = lent.map(({ buffer }) => buffer);
  const held = new Set<Held>();
  let file: OpenFile | undefined;
  try {
    const opened = await openRegular(deps.ops, path);
    const source = opened.file;
    file = source;
    if (opened.size !== blob.size) throw changed(`${opened.size} bytes instead of ${blob.size}`);
    if (start === end) return;
    const readChecked = async (index: number, into: Buffer): Promise<Buffer> => {
      const at = index * CHUNK;
      const length = Math.min(CHUNK, blob.size - at);
      const read = await readFully(source, into, length, at);
      const chunk = into.subarray(0, length);
      if (read !== length) throw changed('it is shorter now');
      if (!blob.tags.holds(index, chunk)) throw changed(`at byte ${at} or shortly after`);
      return chunk;
    };
    /** Undefined where no buffer is free for it. */
    const begin = (index: number): Held | undefined => {
      const buffer = idle.pop();
      if (buffer === undefined) return undefined;
      const next = deps.shared.hold(blob.tags, index, buffer, (into) => readChecked(index, into));
      held.add(next);
      return next;
    };
    const last = Math.ceil(end / CHUNK) - 1;
    let index = Math.floor(start / CHUNK);
    let current = begin(index);
    const spare = index < last ? await deps.buffers.takeSpare(caller) : undefined;
    if (spare !== undefined) {
      lent.push(spare);
      idle.push(spare.buffer);
    }
    while (current !== undefined) {
      const chunk = await current.chunk;
      caller.signal.throwIfAborted();
      const next = index < last ? begin(index + 1) : undefined;
      const at = index * CHUNK;
      await write(chunk.subarray(Math.max(0, start - at), Math.min(chunk.byteLength, end - at)));
      held.delete(current);
      idle.push(current.release());
      if (index === last) return;
      index++;
      current = next ?? begin(index);
    }
  } finally {
    for (const one of held) {
      // A read in flight still owns its buffer and its file.
      await one.chunk.catch(() => undefined);
      idle.push(one.release());
    }
    for (const [n, buffer] of idle.entries()) lent[n]?.giveBack(buffer);
    await file?.close();
  }
}

/** Reads a file from its first byte to its end, one pooled buffer, one chunk at a time; resolves with its size. */
export async function readWhole(
  deps: { readonly ops: FileOps; readonly buffers: ChunkBuffers },
  path: string,
  caller: Caller,
  each: (index: number, chunk: Uint8Array) => void,
): Promise<number> {
  const lent = await deps.buffers.take(caller);
  const { buffer } = lent;
  let file: OpenFile | undefined;
  try {
    file = (await openRegular(deps.ops, path)).file;
    for (let index = 0; ; index++) {
      const read = await readFully(file, buffer, CHUNK, index * CHUNK);
      if (read > 0) each(index, buffer.subarray(0, read));
      if (read < CHUNK) return index * CHUNK + read;
    }
  } finally {
    lent.giveBack(buffer);
    await file?.close();
  }
}
