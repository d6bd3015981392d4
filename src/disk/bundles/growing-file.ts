import { writeAll } from '../durable.ts';
import type { OpenFile } from '../file-ops.ts';
import { readFull } from '../read-file.ts';

const BUFFER = 256 * 1024;

/** A file that is written to its end, in few writes, and read. */
export class GrowingFile {
  readonly #file: OpenFile;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #written = 0;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  get size(): number {
    return this.#written + this.#waitingBytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength >= BUFFER) {
      await this.#flush();
      await this.write(bytes, this.#written);
      return;
    }
    this.#waiting.push(Uint8Array.from(bytes));
    this.#waitingBytes += bytes.byteLength;
    if (this.#waitingBytes >= BUFFER) await this.#flush();
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    await this.#flush();
    await writeAll(this.#file, bytes, position);
    this.#written = Math.max(this.#written, position + bytes.byteLength);
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    await this.#flush();
    return readFull(this.#file, into, position);
  }

  /** Durable when it resolves, all but its name. */
  async settle(): Promise<void> {
    await this.#flush();
    await this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #flush(): Promise<void> {
    if (this.#waitingBytes === 0) return;
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    await writeAll(this.#file, bytes, this.#written);
    this.#written += bytes.length;
  }
}
