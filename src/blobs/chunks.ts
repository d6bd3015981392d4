import type { Caller } from '../async/caller.ts';
import type { Range } from '../bytes/range.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { WriteChunk } from '../ports/blob.ts';
import { type BlobStorage, StorageError, type StoredBytes } from '../ports/blob-storage.ts';
import type { ChunkBuffers, Lent } from './chunk-buffers.ts';
import { CHUNK, UNIT } from './limits.ts';
import type { Pieces } from './pieces.ts';
import type { SharedChunk, SharedChunks } from './shared-chunks.ts';
import type { Tags } from './tags.ts';

/** What is known of a proved blob: enough to check every unit as it leaves. */
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

interface SendDeps extends ReadDeps {
  readonly shared: SharedChunks;
  readonly pieces: Pieces;
}

/**
 * Hands [start, end) to `write`, each chunk checked whole before any of its bytes is handed on. Few readers are handed
 * what lies in the chunk, more of them a copy of a part of it. A client that takes its time never keeps a chunk that
 * others wait for: they get another buffer, and one that a client may still be sent from is not used again.
 */
export async function sendChecked(
  deps: SendDeps,
  blob: Checked,
  range: Range,
  write: WriteChunk,
  caller: Caller,
): Promise<void> {
  const [start, end] = checkRange(range, blob.size);
  const source = await openWhole(deps.storage, blob, range);
  if (end - start <= UNIT && blob.size > 2 * UNIT)
    return sendSmall(deps.buffers, source, blob, { start, end }, write, caller);
  const piece = deps.pieces.take(end - start);
  const reading = new Reading(deps, source, blob, caller, Math.ceil(end / CHUNK) - 1);
  try {
    for (let at = start; at < end; ) {
      const index = Math.floor(at / CHUNK);
      const chunk = await reading.at(index);
      caller.signal.throwIfAborted();
      const from = at - index * CHUNK;
      const own = chunk.subarray(
        from,
        Math.min(from + (piece?.byteLength ?? CHUNK), chunk.byteLength, from + end - at),
      );
      at += own.byteLength;
      const part = piece === undefined ? own : copied(own, piece);
      if (piece !== undefined && (at === end || at % CHUNK === 0)) reading.letGo();
      const resume = deps.buffers.pause(() => reading.giveUp());
      if (part === own) await reading.sendFrom(() => write(part));
      else await write(part);
      resume();
    }
    if (piece !== undefined) deps.pieces.giveBack(piece);
  } finally {
    deps.pieces.done();
    await reading.end();
    await source.close();
  }
}

function copied(part: Buffer, into: Buffer): Buffer {
  return into.subarray(0, part.copy(into));
}

/** No more than a unit, out of the units around it: for one byte no chunk is read. Closes the source. */
async function sendSmall(
  buffers: ChunkBuffers,
  source: StoredBytes,
  blob: Checked,
  { start, end }: Range,
  write: WriteChunk,
  caller: Caller,
): Promise<void> {
  let asked: Buffer;
  try {
    if (start === end) return;
    const first = Math.floor(start / UNIT);
    const from = first * UNIT;
    const lent = await buffers.take(caller);
    try {
      const units = lent.buffer.subarray(0, Math.min(Math.ceil(end / UNIT) * UNIT, blob.size) - from);
      await readChecked(source, blob, units, from);
      asked = Buffer.from(units.subarray(start - from, end - from));
    } finally {
      lent.giveBack();
    }
  } finally {
    await source.close();
  }
  caller.signal.throwIfAborted();
  await write(asked);
}

/** Fills `into` with what lies at `at`, the begin of a unit. Throws where that is not what was proved. */
async function readChecked(source: StoredBytes, { tags }: Checked, into: Buffer, at: number): Promise<void> {
  if ((await source.read(into, at)) !== into.byteLength) throw changed('it is shorter now');
  if (!tags.matches(at / UNIT, into)) throw changed(`at byte ${at} or shortly after`);
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

/** What one send has of its blob: the chunk it is at, and the next one as soon as a buffer is to be had that nobody waits for. */
class Reading {
  readonly #deps: SendDeps;
  readonly #source: StoredBytes;
  readonly #blob: Checked;
  readonly #caller: Caller;
  readonly #last: number;
  #current: SharedChunk | undefined;
  #ahead: SharedChunk | undefined;
  /** Reads of this send's own file that are under way: it stays open for them. */
  readonly #reads = new Set<Promise<unknown>>();
  /** A client may be sent what lies in the current chunk. */
  #isSending = false;

  constructor(deps: SendDeps, source: StoredBytes, blob: Checked, caller: Caller, last: number) {
    this.#deps = deps;
    this.#source = source;
    this.#blob = blob;
    this.#caller = caller;
    this.#last = last;
  }

  /** The chunk, read and checked. It stays in memory until `letGo`. */
  async at(index: number): Promise<Buffer> {
    if (this.#current?.index !== index) {
      this.letGo();
      this.#current = this.#ahead;
      this.#ahead = undefined;
      this.#current ??= this.#join(index) ?? this.#begin(index, await this.#deps.buffers.take(this.#caller));
      if (index < this.#last) await this.#lookAhead(index + 1);
    }
    return this.#current.bytes;
  }

  /** `send` resolves when it is done with the current chunk's memory. */
  async sendFrom(send: () => Promise<void>): Promise<void> {
    this.#isSending = true;
    await send();
    this.#isSending = false;
  }

  /** The chunk it is at is not needed any more. */
  letGo(): void {
    this.#current?.release(this.#isSending);
    this.#current = undefined;
  }

  /** Holds no chunk any more; reads again what it needs then. */
  giveUp(): void {
    this.letGo();
    this.#ahead?.release();
    this.#ahead = undefined;
  }

  async end(): Promise<void> {
    this.giveUp();
    await Promise.allSettled(this.#reads);
  }

  async #lookAhead(index: number): Promise<void> {
    this.#ahead = this.#join(index);
    if (this.#ahead !== undefined) return;
    const spare = await this.#deps.buffers.takeSpare(this.#caller);
    this.#ahead = spare && this.#begin(index, spare);
  }

  #join(index: number): SharedChunk | undefined {
    return this.#deps.shared.join(this.#blob.tags, index);
  }

  #begin(index: number, lent: Lent): SharedChunk {
    return this.#deps.shared.begin(this.#blob.tags, index, lent, (into) => {
      const read = this.#readChecked(index, into);
      this.#reads.add(read);
      const over = () => void this.#reads.delete(read);
      read.then(over, over);
      return read;
    });
  }

  async #readChecked(index: number, into: Buffer): Promise<Buffer> {
    const at = index * CHUNK;
    const chunk = into.subarray(0, Math.min(CHUNK, this.#blob.size - at));
    await readChecked(this.#source, this.#blob, chunk, at);
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
      caller.signal.throwIfAborted();
      const read = await source.read(lent.buffer.subarray(0, CHUNK), index * CHUNK);
      if (read > 0) each(index, lent.buffer.subarray(0, read));
      if (read < CHUNK) return { size: index * CHUNK + read, version: source.version };
    }
  } catch (error) {
    throw error instanceof StorageError && error.kind === 'gone' ? new BlobGone() : error;
  } finally {
    lent.giveBack();
    await source?.close();
  }
}
