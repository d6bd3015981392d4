import type { Lent } from './chunk-buffers.ts';
import type { Tags } from './tags.ts';

/** One chunk in memory, as one of its readers has it. */
export interface SharedChunk {
  readonly index: number;
  /** The chunk once it was read and checked, or what was wrong with it. */
  readonly bytes: Promise<Buffer>;
  /**
   * Once, when this reader no longer looks at it; it may still be read by then. `isSending`: its client may still be sent what
   * lies in it, so that the buffer is not used again.
   */
  release(isSending?: boolean): void;
}

interface Entry {
  readonly lent: Lent;
  readonly bytes: Promise<Buffer>;
  readers: number;
  isRead: boolean;
  isSending: boolean;
}

/**
 * Chunks in memory: whoever asks for one that another reader has gets that one, read and checked once for all, in one
 * buffer for all. The buffer goes back when the last of them has let go and nothing reads into it.
 */
export class SharedChunks {
  /** By the tags: a blob that was fetched anew has others. */
  readonly #held = new Map<Tags, Map<number, Entry>>();

  /** The chunk that another reader has; undefined where nobody has it. */
  join(tags: Tags, index: number): SharedChunk | undefined {
    const entry = this.#held.get(tags)?.get(index);
    return entry && this.#hold(tags, index, entry);
  }

  /** Reads it into the buffer that was lent for it, unless somebody has it by now: then that goes back at once. */
  begin(tags: Tags, index: number, lent: Lent, read: (into: Buffer) => Promise<Buffer>): SharedChunk {
    const known = this.join(tags, index);
    if (known !== undefined) {
      lent.giveBack();
      return known;
    }
    const entry: Entry = { lent, bytes: read(lent.buffer), readers: 0, isRead: false, isSending: false };
    const settled = () => this.#settled(entry);
    const entries = this.#held.get(tags) ?? new Map<number, Entry>();
    this.#held.set(tags, entries.set(index, entry));
    entry.bytes.then(settled, () => {
      // Whoever asks after a failure tries for himself.
      this.#forget(tags, index, entry);
      settled();
    });
    return this.#hold(tags, index, entry);
  }

  #settled(entry: Entry): void {
    entry.isRead = true;
    if (entry.readers === 0) entry.lent.giveBack(entry.isSending);
  }

  #hold(tags: Tags, index: number, entry: Entry): SharedChunk {
    entry.readers++;
    return {
      index,
      bytes: entry.bytes,
      release: (isSending = false) => {
        entry.isSending ||= isSending;
        if (--entry.readers > 0) return;
        this.#forget(tags, index, entry);
        if (entry.isRead) entry.lent.giveBack(entry.isSending);
      },
    };
  }

  #forget(tags: Tags, index: number, entry: Entry): void {
    const entries = this.#held.get(tags);
    if (entries?.get(index) !== entry) return;
    entries.delete(index);
    if (entries.size === 0) this.#held.delete(tags);
  }
}
