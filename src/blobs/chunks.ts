import type { Caller } from '../async/caller.ts';
import type { Range } from '../bytes/range.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { WriteChunk } from '../ports/blob.ts';
import type { BlobStorage, StoredBytes } from '../ports/blob-storage.ts';
import type { ChunkBuffers, Lent } from './chunk-buffers.ts';
import { CHUNK } from './limits.ts';
import type { SharedChunk, SharedChunks } from './shared-chunks.ts';
import type { Tags } from './tags.ts';

/** What is known of a proved blob: enough to check every chunk as it leaves. */
export interface Checked {
  readonly sha256: string;
  readonly size: number;
  readonly tags: Tags;
}

/** A blob that was stored is not there any more: somebody removed it. */
export class BlobGone extends Refusal {
  constructor() {
    super('state', 'A stored file is not on the mirror’s disk any more. It is fetched again.', {
      subject: 'file',
      transient: true,
    });
  }
}

export function changed(what: string): Refusal {
  return new Refusal(
    'digest',
    `A stored file was changed on the mirror's disk (${what}). None of the changed bytes were sent; the file is fetched again.`,
    { subject: 'file', transient: true },
  );
}

interface ReadDeps {
  readonly storage: BlobStorage;
  readonly buffers: ChunkBuffers;
}

/**
 * Hands [start, end) to `write`, each chunk checked whole before any of its bytes is handed on.
 * While one is written, the next is read and checked in a second buffer, if there is one to be had.
 */
export async function sendChecked(
  deps: ReadDeps & { readonly shared: SharedChunks },
  blob: Checked,
  range: Range,
  write: WriteChunk,
  caller: Caller,
): Promise<void> {
  const [start, end] = checkRange(range, blob.size);
  const first = await deps.buffers.take(caller);
  let source: StoredBytes | undefined;
  let reading: Reading | undefined;
  try {
    source = await openWhole(deps.storage, blob, range);
    if (start === end) return;
    const last = Math.ceil(end / CHUNK) - 1;
    let index = Math.floor(start / CHUNK);
    reading = new Reading(source, blob, deps.shared, first);
    let current = reading.begin(index);
    if (index < last) reading.lend(await deps.buffers.takeSpare(caller));
    while (current !== undefined) {
      const chunk = await current.chunk;
      caller.signal.throwIfAborted();
      const next = index < last ? reading.begin(index + 1) : undefined;
      const at = index * CHUNK;
      await write(chunk.subarray(Math.max(0, start - at), Math.min(chunk.byteLength, end - at)));
      reading.done(current);
      if (index === last) return;
      index++;
      current = next ?? reading.begin(index);
    }
  } finally {
    if (reading === undefined) first.giveBack(first.buffer);
    await reading?.end();
    await source?.close();
  }
}

export function checkRange({ start, end }: Range, size: number): readonly [start: number, end: number] {
  if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= size))
    throw new RangeError(`[${start}, ${end}) is not within ${size} bytes`);
  return [start, end];
}

async function openWhole(storage: BlobStorage, { sha256, size }: Checked, range: Range): Promise<StoredBytes> {
  const source = await storage.open(sha256, range);
  if (source === undefined) throw new BlobGone();
  if (source.size === size) return source;
  await source.close();
  throw changed(`${source.size} bytes instead of ${size}`);
}

/** The buffers of one send, and what is read into them. Invariant: each buffer is idle or in one chunk under way. */
class Reading {
  readonly #source: StoredBytes;
  readonly #blob: Checked;
  readonly #shared: SharedChunks;
  readonly #lent: Lent[] = [];
  readonly #idle: Buffer[] = [];
  readonly #underway = new Set<SharedChunk>();

  constructor(source: StoredBytes, blob: Checked, shared: SharedChunks, first: Lent) {
    this.#source = source;
    this.#blob = blob;
    this.#shared = shared;
    this.lend(first);
  }

  lend(lent: Lent | undefined): void {
    if (lent === undefined) return;
    this.#lent.push(lent);
    this.#idle.push(lent.buffer);
  }

  /** Undefined where no buffer is free for it. */
  begin(index: number): SharedChunk | undefined {
    const buffer = this.#idle.pop();
    if (buffer === undefined) return undefined;
    const next = this.#shared.share(this.#blob.tags, index, buffer, (into) => this.#readChecked(index, into));
    this.#underway.add(next);
    return next;
  }

  done(chunk: SharedChunk): void {
    this.#underway.delete(chunk);
    this.#idle.push(chunk.release());
  }

  async end(): Promise<void> {
    for (const one of [...this.#underway]) {
      // A read in flight still owns its buffer and its file.
      await one.chunk.catch(() => undefined);
      this.done(one);
    }
    for (const [at, buffer] of this.#idle.entries()) this.#lent[at]?.giveBack(buffer);
  }

  async #readChecked(index: number, into: Buffer): Promise<Buffer> {
    const at = index * CHUNK;
    const chunk = into.subarray(0, Math.min(CHUNK, this.#blob.size - at));
    if ((await this.#source.read(chunk, at)) !== chunk.byteLength) throw changed('it is shorter now');
    if (!this.#blob.tags.matches(index, chunk)) throw changed(`at byte ${at} or shortly after`);
    return chunk;
  }
}

/** Reads a blob from its first byte to its end, one buffer, one chunk at a time; resolves with what it was when it was opened. */
export async function readWhole(
  { storage, buffers }: ReadDeps,
  sha256: string,
  caller: Caller,
  each: (index: number, chunk: Uint8Array) => void,
): Promise<{ readonly size: number; readonly version: string }> {
  const lent = await buffers.take(caller);
  let source: StoredBytes | undefined;
  try {
    source = await storage.open(sha256, { start: 0, end: Number.MAX_SAFE_INTEGER });
    if (source === undefined) throw new BlobGone();
    for (let index = 0; ; index++) {
      const read = await source.read(lent.buffer.subarray(0, CHUNK), index * CHUNK);
      if (read > 0) each(index, lent.buffer.subarray(0, read));
      if (read < CHUNK) return { size: index * CHUNK + read, version: source.version };
    }
  } finally {
    lent.giveBack(lent.buffer);
    await source?.close();
  }
}
