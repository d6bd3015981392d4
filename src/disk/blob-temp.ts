import type { StoredFacts, TakenUp } from '../ports/blob-storage.ts';
import { type Temp, writeAll } from './durable.ts';
import { readFull } from './read-file.ts';
import { onBlobDisk } from './storage-errors.ts';

interface BlobTempParts {
  readonly temp: Temp;
  readonly publish: (sha256: string) => Promise<StoredFacts>;
  /** Where it lies when it is kept. */
  readonly kept: string | undefined;
  /** Bytes it begins with. */
  readonly length: number;
}

/** A blob that is being written. */
export class BlobTemp implements TakenUp {
  readonly #temp: Temp;
  readonly #publish: (sha256: string) => Promise<StoredFacts>;
  readonly #kept: string | undefined;
  readonly length: number;
  /** It was committed or kept. */
  #hasName = false;

  constructor({ temp, publish, kept, length }: BlobTempParts) {
    this.#temp = temp;
    this.#publish = publish;
    this.#kept = kept;
    this.length = length;
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return onBlobDisk(() => readFull(this.#temp.file, into, position));
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return onBlobDisk(() => writeAll(this.#temp.file, bytes, position));
  }

  restart(): Promise<void> {
    return onBlobDisk(() => this.#temp.file.truncate());
  }

  commit(sha256: string): Promise<StoredFacts> {
    return onBlobDisk(async () => {
      const facts = await this.#publish(sha256);
      this.#hasName = true;
      return facts;
    });
  }

  async discard(): Promise<void> {
    if (!this.#hasName) await this.#temp.discard();
  }

  keep(): Promise<void> {
    return onBlobDisk(async () => {
      if (this.#kept === undefined || this.#hasName) return this.discard();
      const file = await this.#temp.publish(this.#kept);
      this.#hasName = true;
      await file.close();
    });
  }
}
