/** A half-open byte range [start, end). */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Writes one checked chunk and resolves when its memory may be reused. */
export type WriteChunk = (chunk: Uint8Array) => Promise<void>;

/** What the store lends a blob: how to send a range with every chunk checked as it leaves. */
export interface CheckedReader {
  /** Throws `digest` before a changed byte is handed to `write`. `signal` stops between chunks. */
  send(range: Range, write: WriteChunk, signal?: AbortSignal): Promise<void>;
  /** The whole content in memory, checked; for small documents only. */
  bytes(limit: number): Promise<Uint8Array>;
}

/**
 * A file on disk that was proved, and is checked again as it leaves (DESIGN J2).
 * Only blobs/blob-store.ts may call `Blob.of` (test/architecture holds it to that).
 */
export class Blob {
  readonly #held = true;
  readonly #reader: CheckedReader;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;

  private constructor(sha256: string, size: number, reader: CheckedReader) {
    this.sha256 = sha256;
    this.size = size;
    this.#reader = reader;
  }

  static of(sha256: string, size: number, reader: CheckedReader): Blob {
    return new Blob(sha256, size, reader);
  }

  static is(value: unknown): value is Blob {
    return typeof value === 'object' && value !== null && #held in value;
  }

  send(range: Range, write: WriteChunk, signal?: AbortSignal): Promise<void> {
    return this.#reader.send(range, write, signal);
  }

  bytes(limit: number): Promise<Uint8Array> {
    return this.#reader.bytes(limit);
  }
}
