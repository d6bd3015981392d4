import type { Tags } from './tags.ts';

/** One chunk that somebody is sending. */
export interface SharedChunk {
  /** The chunk once it was read and checked, or what was wrong with it. */
  readonly chunk: Promise<Buffer>;
  /** Once `chunk` has settled and is no longer looked at: a buffer for the one that was brought, not always the same. */
  release(): Buffer;
}

interface Entry {
  readonly buffer: Buffer;
  readonly chunk: Promise<Buffer>;
  readers: number;
}

/**
 * Chunks in memory: who asks for one that is being sent to somebody else gets that one, read and checked once for all.
 * Invariant: each reader brings one buffer and takes one away.
 */
export class SharedChunks {
  /** By the tags: a blob that was fetched anew has others. */
  readonly #sent = new Map<Tags, Map<number, Entry>>();
  /** Brought by readers who found their chunk here already: one fewer for each entry than it has readers. */
  readonly #brought: Buffer[] = [];

  /** `own` is where it is read to, if nobody has it yet; `read` resolves with the part of it that is the chunk. */
  share(tags: Tags, index: number, own: Buffer, read: (into: Buffer) => Promise<Buffer>): SharedChunk {
    const known = this.#sent.get(tags)?.get(index);
    if (known !== undefined) this.#brought.push(own);
    const entry = known ?? this.#begin(tags, index, own, read(own));
    entry.readers++;
    return {
      chunk: entry.chunk,
      release: () => {
        entry.readers--;
        if (entry.readers > 0) return this.#brought.pop() ?? Buffer.allocUnsafeSlow(own.byteLength);
        this.#forget(tags, index, entry);
        return entry.buffer;
      },
    };
  }

  #begin(tags: Tags, index: number, buffer: Buffer, chunk: Promise<Buffer>): Entry {
    const entry: Entry = { buffer, chunk, readers: 0 };
    const entries = this.#sent.get(tags) ?? new Map<number, Entry>();
    this.#sent.set(tags, entries.set(index, entry));
    // Whoever asks after a failure tries for himself.
    chunk.catch(() => this.#forget(tags, index, entry));
    return entry;
  }

  #forget(tags: Tags, index: number, entry: Entry): void {
    const entries = this.#sent.get(tags);
    if (entries?.get(index) !== entry) return;
    entries.delete(index);
    if (entries.size === 0) this.#sent.delete(tags);
  }
}
