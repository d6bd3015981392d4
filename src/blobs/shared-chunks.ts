import type { Tags } from './tags.ts';

/** One chunk that somebody is sending. */
export interface Held {
  /** The chunk once it was read and checked, or what was wrong with it. */
  readonly chunk: Promise<Buffer>;
  /** Once `chunk` has settled and is no longer looked at: a buffer for the one that was brought, not always the same. */
  release(): Buffer;
}

/** Chunks in memory: who asks for one that is being sent to somebody else gets that one, read and checked once for all. */
export interface SharedChunks {
  /** `own` is where it is read to, if nobody has it yet; `read` resolves with the part of it that is the chunk. */
  hold(tags: Tags, index: number, own: Buffer, read: (into: Buffer) => Promise<Buffer>): Held;
}

interface Entry {
  readonly buffer: Buffer;
  readonly chunk: Promise<Buffer>;
  readers: number;
}

export function createSharedChunks(): SharedChunks {
  // By the tags: a blob that was fetched anew has others.
  const sent = new Map<Tags, Map<number, Entry>>();
  // Brought by readers who found their chunk here already: one fewer for each entry than it has readers.
  const brought: Buffer[] = [];

  const forget = (tags: Tags, index: number, entry: Entry) => {
    const entries = sent.get(tags);
    if (entries?.get(index) !== entry) return;
    entries.delete(index);
    if (entries.size === 0) sent.delete(tags);
  };
  const begin = (tags: Tags, index: number, buffer: Buffer, chunk: Promise<Buffer>): Entry => {
    const entry: Entry = { buffer, chunk, readers: 0 };
    const entries = sent.get(tags) ?? new Map<number, Entry>();
    sent.set(tags, entries.set(index, entry));
    // Whoever asks after a failure tries for himself.
    chunk.catch(() => forget(tags, index, entry));
    return entry;
  };

  return {
    hold(tags, index, own, read) {
      const known = sent.get(tags)?.get(index);
      if (known !== undefined) brought.push(own);
      const entry = known ?? begin(tags, index, own, read(own));
      entry.readers++;
      return {
        chunk: entry.chunk,
        release() {
          entry.readers--;
          if (entry.readers > 0) return brought.pop() ?? Buffer.allocUnsafeSlow(own.byteLength);
          forget(tags, index, entry);
          return entry.buffer;
        },
      };
    },
  };
}
