import type { Statement } from '../bytes/digest.ts';
import { createProver, type Prover } from '../bytes/prover.ts';
import { Refusal } from '../bytes/refusal.ts';
import { type Durable, type Temp, writeAll } from '../disk/durable.ts';
import { CHUNK, WRITE_BACK } from './limits.ts';
import type { Proof } from './proofs.ts';
import { createTags, type Tags } from './tags.ts';

const BLOB_MODE = 0o444;

/** The temporary file of a fill: capped, hashed and tagged as it is written. */
export interface Spool {
  /** Bytes taken so far: where a broken download may resume. */
  readonly length: number;
  /** Throws `length` or `limit` before a byte too many is written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Forgets everything: the next byte is the first. */
  restart(): Promise<void>;
  /** All bytes are there: throws `length` or `digest` where they are not what was expected. */
  prove(): Promise<Proof>;
  /** Makes what was proved durable under its name. */
  commit(path: string): Promise<void>;
  discard(): Promise<void>;
}

export async function openSpool(durable: Durable, expected: Statement, limit: number): Promise<Spool> {
  const temp: Temp = await durable.temp(BLOB_MODE);
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  let prover: Prover;
  try {
    prover = await createProver(expected);
  } catch (error) {
    await temp.discard();
    throw error;
  }
  let tags: Tags = createTags(expected.length);
  let index = 0;
  let buffered = 0;
  let writeBack: Promise<unknown> = Promise.resolve();
  let unsynced = 0;
  let syncing = false;
  let failed: { readonly error: unknown } | undefined;

  const flush = async () => {
    if (buffered === 0) return;
    const chunk = buffer.subarray(0, buffered);
    tags.add(index, chunk);
    await writeAll(temp.file, chunk, index * CHUNK);
    index++;
    unsynced += buffered;
    buffered = 0;
    if (unsynced < WRITE_BACK || syncing) return;
    unsynced = 0;
    syncing = true;
    writeBack = temp.file.sync().then(
      () => {
        syncing = false;
      },
      (error: unknown) => {
        failed = { error };
      },
    );
  };

  const checkDisk = () => {
    if (failed !== undefined) throw failed.error;
  };

  return {
    get length() {
      return index * CHUNK + buffered;
    },
    async write(bytes) {
      checkDisk();
      const after = prover.length + bytes.byteLength;
      if (expected.length !== undefined && after > expected.length)
        throw new Refusal('length', `Expected ${expected.length} bytes, and more came.`);
      if (after > limit)
        throw new Refusal('limit', `More than ${limit} bytes came, the most this mirror accepts here.`);
      prover.update(bytes);
      for (let at = 0; at < bytes.byteLength; ) {
        const part = bytes.subarray(at, at + CHUNK - buffered);
        buffer.set(part, buffered);
        buffered += part.byteLength;
        at += part.byteLength;
        if (buffered === CHUNK) await flush();
      }
    },
    async restart() {
      prover.abandon();
      prover = await createProver(expected);
      tags = createTags(expected.length);
      index = 0;
      buffered = 0;
      await temp.file.truncate();
    },
    async prove() {
      const sha256 = prover.finish();
      await flush();
      return { sha256, size: prover.length, tags, digests: new Map([...expected.digests, ['sha256', sha256]]) };
    },
    async commit(path) {
      await writeBack;
      checkDisk();
      await temp.commit(path);
    },
    async discard() {
      prover.abandon();
      await writeBack;
      await temp.discard();
    },
  };
}
