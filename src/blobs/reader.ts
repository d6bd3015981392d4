import { type Caller, internalCaller } from '../async/caller.ts';
import type { CheckedReader, Range, WriteChunk } from '../bytes/blob.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { BlobPaths } from '../disk/blob-paths.ts';
import type { FileOps } from '../disk/file-ops.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import { sendChecked } from './chunks.ts';
import type { Proof } from './proofs.ts';
import { createSharedChunks } from './shared-chunks.ts';

/** Reads proved blobs, every chunk checked as it leaves, and knows which are being sent. */
export interface Reader {
  of(proof: Proof): CheckedReader;
  isSending(sha256: string): boolean;
}

export function createReader(deps: {
  readonly ops: FileOps;
  readonly buffers: ChunkBuffers;
  /** For what is read into our own memory, at no client's pace. */
  readonly ownBuffers: ChunkBuffers;
  readonly paths: BlobPaths;
  /** What a failed read means for the blob; returns what to tell the reader. */
  readonly afterFailedRead: (sha256: string, error: unknown) => Promise<unknown>;
}): Reader {
  const sending = new Map<string, number>();
  const shared = createSharedChunks();

  const of = (proof: Proof): CheckedReader => {
    const { sha256, size } = proof;
    const path = deps.paths.blob(sha256);
    const sendFrom = async (buffers: ChunkBuffers, range: Range, write: WriteChunk, caller: Caller): Promise<void> => {
      sending.set(sha256, (sending.get(sha256) ?? 0) + 1);
      let writeFailed = false;
      const watched: WriteChunk = (chunk) =>
        write(chunk).catch((error: unknown) => {
          writeFailed = true;
          throw error;
        });
      try {
        await sendChecked({ ops: deps.ops, buffers, shared }, path, proof, range, watched, caller);
      } catch (error) {
        // The client's socket failing says nothing about the blob.
        if (writeFailed || caller.signal.aborted) throw error;
        throw await deps.afterFailedRead(sha256, error);
      } finally {
        const left = (sending.get(sha256) ?? 1) - 1;
        if (left === 0) sending.delete(sha256);
        else sending.set(sha256, left);
      }
    };
    return {
      send: (range, write, signal) => sendFrom(deps.buffers, range, write, internalCaller('', 'mirror', signal)),
      async bytes(limit) {
        if (size > limit)
          throw new Refusal('limit', `The file is ${size} bytes, more than the ${limit} accepted here.`);
        const whole = Buffer.alloc(size);
        let at = 0;
        const copy: WriteChunk = async (chunk) => {
          whole.set(chunk, at);
          at += chunk.byteLength;
        };
        await sendFrom(deps.ownBuffers, { start: 0, end: size }, copy, internalCaller(''));
        return whole;
      },
    };
  };

  return { of, isSending: (sha256) => sending.has(sha256) };
}
