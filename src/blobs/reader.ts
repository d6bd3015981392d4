import { LRUCache } from 'lru-cache';
import { type Caller, internalCaller } from '../async/caller.ts';
import { Turns } from '../async/turns.ts';
import type { Range } from '../bytes/range.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { CheckedReader, WriteChunk } from '../ports/blob.ts';
import type { BlobStorage } from '../ports/blob-storage.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import { type Checked, checkRange, sendChecked } from './chunks.ts';
import { PIECES_A_TURN, SMALL_PIECE } from './limits.ts';
import { Pieces } from './pieces.ts';
import { SharedChunks } from './shared-chunks.ts';
import type { Tags } from './tags.ts';

interface ReaderDeps {
  readonly storage: BlobStorage;
  readonly buffers: ChunkBuffers;
  /** For what is read into our own memory, at no client's pace. */
  readonly ownBuffers: ChunkBuffers;
  /** Bytes of small blobs that are read from the memory they were proved in. */
  readonly freshBytes: number;
  /** What a failed read means for the blob; resolves with what to tell the reader. */
  readonly afterFailedRead: (sha256: string, error: unknown) => Promise<unknown>;
}

/** Reads proved blobs, every chunk checked as it leaves, and knows which are being sent. */
export class BlobReader {
  readonly #deps: ReaderDeps;
  readonly #shared = new SharedChunks();
  readonly #pieces = new Pieces();
  readonly #turns = new Turns(PIECES_A_TURN);
  /** How often each is being sent. */
  readonly #sending = new Map<string, number>();
  /** By the tags: a blob that was proved anew has others. */
  readonly #fresh: LRUCache<Tags, Buffer>;

  constructor(deps: ReaderDeps) {
    this.#deps = deps;
    this.#fresh = new LRUCache({
      maxSize: Math.max(1, deps.freshBytes),
      sizeCalculation: (bytes) => bytes.byteLength + 1,
    });
  }

  /** Whoever waited for a small blob reads it from the memory it was proved in. */
  remember({ tags }: Checked, whole: Buffer): void {
    this.#fresh.set(tags, whole);
  }

  isSending(sha256: string): boolean {
    return this.#sending.has(sha256);
  }

  of(blob: Checked): CheckedReader {
    const { buffers, ownBuffers } = this.#deps;
    return {
      send: (range, write, caller) => this.#send(blob, buffers, range, write, caller),
      bytes: async (limit) => {
        if (blob.size > limit)
          throw new Refusal('limit', `The file is ${blob.size} bytes, more than the ${limit} accepted here.`);
        const whole = Buffer.alloc(blob.size);
        let at = 0;
        const copy: WriteChunk = async (chunk) => {
          whole.set(chunk, at);
          at += chunk.byteLength;
        };
        await this.#send(blob, ownBuffers, { start: 0, end: blob.size }, copy, internalCaller(''));
        return whole;
      },
    };
  }

  async #send(blob: Checked, buffers: ChunkBuffers, range: Range, write: WriteChunk, caller: Caller): Promise<void> {
    const [start, end] = checkRange(range, blob.size);
    const { sha256 } = blob;
    this.#sending.set(sha256, (this.#sending.get(sha256) ?? 0) + 1);
    let writeFailed = false;
    const watched: WriteChunk = (chunk) =>
      write(chunk).catch((error: unknown) => {
        writeFailed = true;
        throw error;
      });
    const inTurn: WriteChunk = async (chunk) => {
      await this.#turns.next();
      await watched(chunk);
    };
    try {
      const at = await this.#sendFresh(blob.tags, start, end, watched);
      if (start < end && at === end) return;
      const deps = { storage: this.#deps.storage, buffers, shared: this.#shared, pieces: this.#pieces };
      await sendChecked(deps, blob, { start: at, end }, inTurn, caller);
    } catch (error) {
      // The client's socket failing says nothing about the blob.
      if (writeFailed) throw error;
      throw await this.#deps.afterFailedRead(sha256, error);
    } finally {
      const left = (this.#sending.get(sha256) ?? 1) - 1;
      if (left === 0) this.#sending.delete(sha256);
      else this.#sending.set(sha256, left);
    }
  }

  /** From memory as far as it is there; resolves with where that ended. Between two pieces the memory may be given up. */
  async #sendFresh(tags: Tags, start: number, end: number, write: WriteChunk): Promise<number> {
    let at = start;
    while (at < end) {
      // Before it is copied: who waits for a turn holds nothing.
      await this.#turns.next();
      const piece = this.#freshPiece(tags, at, end);
      if (piece === undefined) return at;
      await write(piece);
      at += piece.byteLength;
    }
    return at;
  }

  /** A copy: a client that stalls holds that alone. */
  #freshPiece(tags: Tags, at: number, end: number): Buffer | undefined {
    const fresh = this.#fresh.get(tags);
    return fresh && Buffer.from(fresh.subarray(at, Math.min(end, at + SMALL_PIECE)));
  }
}
