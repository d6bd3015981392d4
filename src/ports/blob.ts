import type { Caller } from '../async/caller.ts';
import type { Range } from '../bytes/range.ts';

/** Writes a part of a checked chunk and resolves when its memory may be used again. */
export type WriteChunk = (chunk: Uint8Array) => Promise<void>;

/** What the store lends a blob: how to send a range with every chunk checked as it leaves. */
export interface CheckedReader {
  /** Throws `digest` before a changed byte is handed to `write`. The caller's signal stops between chunks. */
  send(range: Range, write: WriteChunk, caller: Caller): Promise<void>;
  /** The whole content in memory, checked; for small documents only. */
  bytes(limit: number): Promise<Uint8Array>;
}

let make: (sha256: string, size: number, reader: CheckedReader) => Blob;

/** A file in the store that was proved, and is checked again as it leaves. */
export class Blob {
  readonly #sha256: string;
  readonly #size: number;
  readonly #reader: CheckedReader;

  private constructor(sha256: string, size: number, reader: CheckedReader) {
    this.#sha256 = sha256;
    this.#size = size;
    this.#reader = reader;
  }

  static {
    make = (sha256, size, reader) => new Blob(sha256, size, reader);
  }

  static is(value: unknown): value is Blob {
    return typeof value === 'object' && value !== null && #reader in value;
  }

  get sha256(): string {
    return this.#sha256;
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  send(range: Range, write: WriteChunk, caller: Caller): Promise<void> {
    return this.#reader.send(range, write, caller);
  }

  bytes(limit: number): Promise<Uint8Array> {
    return this.#reader.bytes(limit);
  }
}

/** Who may import this: test/architecture/makers.ts. */
export function makeBlob(sha256: string, size: number, reader: CheckedReader): Blob {
  return make(sha256, size, reader);
}
