import { type ObjectStore, ObjectStoreError } from '../ports/object-store.ts';
import { addressText } from './address.ts';
import type { S3Client } from './client.ts';
import { S3ObjectStore } from './object-store.ts';
import { probeStore } from './probe.ts';

/** Objects that trust rests on: none is created before the store was seen to keep to its conditions. */
export class ProbedStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #store: S3ObjectStore;
  #probing: Promise<void> | undefined;

  constructor(client: S3Client) {
    this.#client = client;
    this.#store = new S3ObjectStore(client);
  }

  /** Once in a process, unless it could not be done. Throws ObjectStoreError; `wrong` where the store may not hold what trust rests on. */
  probe(): Promise<void> {
    this.#probing ??= this.#probe().catch((error: unknown) => {
      if (!(error instanceof ObjectStoreError) || error.kind !== 'wrong') this.#probing = undefined;
      throw error;
    });
    return this.#probing;
  }

  get(...given: Parameters<ObjectStore['get']>): Promise<Uint8Array | undefined> {
    return this.#store.get(...given);
  }

  async create(...given: Parameters<ObjectStore['create']>): Promise<'created' | 'taken'> {
    await this.probe();
    return this.#store.create(...given);
  }

  list(...given: Parameters<ObjectStore['list']>): AsyncIterable<string> {
    return this.#store.list(...given);
  }

  remove(...given: Parameters<ObjectStore['remove']>): Promise<void> {
    return this.#store.remove(...given);
  }

  async #probe(): Promise<void> {
    const { sound, faults } = await probeStore(this.#client);
    if (sound) return;
    const where = addressText(this.#client.address);
    throw new ObjectStoreError(
      'wrong',
      `${where} cannot hold what trust rests on, though it may hold files: ${faults.join('; ')}`,
    );
  }
}
