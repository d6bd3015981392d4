import type { BlobWriter } from '../ports/blob-storage.ts';
import { JOINED_BYTES } from './limits.ts';

/** Writes what comes in small pieces in large ones, the next of which is collected while the last is written. */
export class JoinedWrites {
  readonly #writer: Pick<BlobWriter, 'write'>;
  readonly #size: number;
  #collected: Uint8Array;
  #spare: Uint8Array | undefined;
  #filled = 0;
  #position = 0;
  #writing: Promise<void> = Promise.resolve();

  /** `size`: bytes in all, at most. */
  constructor(writer: Pick<BlobWriter, 'write'>, size: number) {
    this.#writer = writer;
    this.#size = Math.min(size, JOINED_BYTES);
    this.#collected = new Uint8Array(this.#size);
  }

  /** Bytes that were added. */
  get length(): number {
    return this.#position + this.#filled;
  }

  /** `bytes` are the caller's again when this resolves. Rejects where an earlier write failed. */
  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      const part = bytes.subarray(at, at + this.#size - this.#filled);
      this.#collected.set(part, this.#filled);
      this.#filled += part.byteLength;
      at += part.byteLength;
      if (this.#filled === this.#size) await this.#write();
    }
  }

  /** Resolves when all of it is written. */
  async end(): Promise<void> {
    await this.#write();
    await this.#writing;
  }

  /** Resolves when nothing is being written any more, whatever came of it. */
  async settled(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  async #write(): Promise<void> {
    await this.#writing;
    if (this.#filled === 0) return;
    const full = this.#collected.subarray(0, this.#filled);
    this.#writing = this.#writer.write(full, this.#position);
    // It is waited for with the next one; until then its failure is nobody's.
    this.#writing.catch(() => undefined);
    this.#position += this.#filled;
    this.#filled = 0;
    [this.#collected, this.#spare] = [this.#spare ?? new Uint8Array(this.#size), this.#collected];
  }
}
