import type { Statement } from '../bytes/digest.ts';
import type { Prover } from '../bytes/prover.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { BlobWriter, TakenUp } from '../ports/blob-storage.ts';
import { CHUNK, FIRST_BUFFER, PARTIAL_LEAST } from './limits.ts';
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
  /** Bytes that lie in the storage from before. */
  #takenUp = 0;
  #mayBeKept = true;

  private constructor(writer: BlobWriter, prover: Prover, { expected, limit, startProver }: Writing) {
    this.#writer = writer;
    this.#prover = prover;
    this.#startProver = startProver;
    this.#expected = expected;
    this.#limit = limit;
    this.#tags = new Tags(expected.length);
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(CHUNK, expected.length ?? FIRST_BUFFER)));
  }

  static async open(writer: BlobWriter, writing: Writing): Promise<FillWriter> {
    try {
      return new FillWriter(writer, await writing.startProver(), writing);
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /**
   * As `open`, with what an earlier one kept: hashed and tagged again, a chunk a turn of the event loop. Until it is proved
   * with what is added it may be anything.
   */
  static async goOn(kept: TakenUp, writing: Writing, signal: AbortSignal): Promise<FillWriter> {
    const fill = await FillWriter.open(kept, writing);
    try {
      await fill.#readAgain(kept, signal);
      return fill;
    } catch (error) {
      if (signal.aborted) await fill.#writer.keep();
      await fill.discard();
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

  /** Bytes that were taken up, and are still among those that will be proved. */
  get takenUp(): number {
    return this.#takenUp;
  }

  /** Forgets everything: the next byte is the first. */
  async restart(): Promise<void> {
    this.#prover.abandon();
    this.#prover = await this.#startProver();
    this.#tags = new Tags(this.#expected.length);
    this.#buffered = 0;
    if (this.#index === 0 && this.#takenUp === 0) return;
    this.#index = 0;
    this.#takenUp = 0;
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

  /** What comes now cannot be gone on with by its offset. */
  neverKeep(): void {
    this.#mayBeKept = false;
  }

  /** Leaves what has come for whoever goes on; the bytes of it, 0 where that is not worth it. Ends the writer. */
  async keep(): Promise<number> {
    const { length } = this.#prover;
    if (!this.#mayBeKept || length < PARTIAL_LEAST || length > (this.#expected.length ?? this.#limit)) return 0;
    await this.#flush();
    this.#prover.abandon();
    await this.#writer.keep();
    return length;
  }

  /** May follow `commit` and `keep`, which it leaves alone. */
  async discard(): Promise<void> {
    this.#prover.abandon();
    await this.#writer.discard();
  }

  async #readAgain(kept: TakenUp, signal: AbortSignal): Promise<void> {
    this.#takenUp = kept.length;
    if (kept.length > (this.#expected.length ?? this.#limit)) return this.restart();
    this.#buffer = Buffer.allocUnsafeSlow(CHUNK);
    for (let at = 0; at < kept.length; at += CHUNK) {
      signal.throwIfAborted();
      const read = await kept.read(this.#buffer, at);
      const chunk = this.#buffer.subarray(0, read);
      this.#prover.update(chunk);
      if (read < CHUNK) this.#buffered = read;
      else this.#tags.add(this.#index++, chunk);
    }
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
