import type { Statement } from '../bytes/digest.ts';
import type { Prover } from '../bytes/prover.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { BlobStorage, BlobWriter } from '../ports/blob-storage.ts';
import { CHUNK, FIRST_BUFFER } from './limits.ts';
import type { Proof } from './proofs.ts';
import { Tags } from './tags.ts';

export interface Writing {
  readonly expected: Statement;
  /** Most bytes to take where no length is expected. */
  readonly limit: number;
  /** By what the bytes are judged at their end. */
  readonly startProver: () => Promise<Prover>;
}

/** What a fill writes: capped, hashed and tagged on its way to the storage. Invariant: nothing is committed that was not proved. */
export class FillWriter {
  readonly #writer: BlobWriter;
  readonly #expected: Statement;
  readonly #limit: number;
  readonly #startProver: () => Promise<Prover>;
  #prover: Prover;
  #tags: Tags;
  #buffer: Buffer;
  #buffered = 0;
  /** Chunks written. */
  #index = 0;
  #sha256: string | undefined;

  private constructor(writer: BlobWriter, prover: Prover, { expected, limit, startProver }: Writing) {
    this.#writer = writer;
    this.#prover = prover;
    this.#startProver = startProver;
    this.#expected = expected;
    this.#limit = limit;
    this.#tags = new Tags(expected.length);
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(CHUNK, expected.length ?? FIRST_BUFFER)));
  }

  static async open(storage: BlobStorage, writing: Writing): Promise<FillWriter> {
    const writer = await storage.begin();
    try {
      return new FillWriter(writer, await writing.startProver(), writing);
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** All bytes, where they are no more than one chunk; to be asked for after `commit`. */
  get whole(): Buffer | undefined {
    const { length } = this.#prover;
    if (length > CHUNK) return undefined;
    if (length === this.#buffer.byteLength) return this.#buffer;
    const whole = Buffer.allocUnsafeSlow(length);
    this.#buffer.copy(whole);
    return whole;
  }

  /** Bytes taken so far: where a broken download may resume. */
  get length(): number {
    return this.#prover.length;
  }

  /** Throws `length` or `limit` before a byte too many is written. */
  async write(bytes: Uint8Array): Promise<void> {
    const after = this.#prover.length + bytes.byteLength;
    const { length } = this.#expected;
    if (length !== undefined && after > length) throw new Refusal('length', `Expected ${length} bytes, and more came.`);
    if (after > this.#limit)
      throw new Refusal('limit', `More than ${this.#limit} bytes came, the most this mirror accepts here.`);
    this.#prover.update(bytes);
    for (let at = 0; at < bytes.byteLength; ) {
      if (this.#buffered === this.#buffer.byteLength) this.#grow();
      const part = bytes.subarray(at, at + this.#buffer.byteLength - this.#buffered);
      this.#buffer.set(part, this.#buffered);
      this.#buffered += part.byteLength;
      at += part.byteLength;
      if (this.#buffered === CHUNK) await this.#flush();
    }
  }

  /** Forgets everything: the next byte is the first. */
  async restart(): Promise<void> {
    this.#prover.abandon();
    this.#prover = await this.#startProver();
    this.#tags = new Tags(this.#expected.length);
    this.#buffered = 0;
    if (this.#index === 0) return;
    this.#index = 0;
    await this.#writer.restart();
  }

  /** All bytes are there: throws `length` or `digest` where they are not what was expected. */
  async prove(): Promise<void> {
    this.#sha256 = this.#prover.finish();
    await this.#flush();
  }

  /** Gives what was proved its name. */
  async commit(): Promise<Proof> {
    const sha256 = this.#sha256;
    if (sha256 === undefined) throw new Error('nothing was proved');
    const { version } = await this.#writer.commit(sha256);
    const digests = new Map([...this.#expected.digests, ['sha256', sha256] as const]);
    return { sha256, size: this.#prover.length, tags: this.#tags, digests, version };
  }

  /** May follow `commit`, which it leaves alone. */
  async discard(): Promise<void> {
    this.#prover.abandon();
    await this.#writer.discard();
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(CHUNK, this.#buffer.byteLength * 2));
    this.#buffer.copy(larger);
    this.#buffer = larger;
  }

  async #flush(): Promise<void> {
    if (this.#buffered === 0) return;
    const chunk = this.#buffer.subarray(0, this.#buffered);
    this.#tags.add(this.#index, chunk);
    await this.#writer.write(chunk, this.#index * CHUNK);
    this.#index++;
    this.#buffered = 0;
  }
}
