import { Refusal } from '../../bytes/refusal.ts';
import { type ObjectStore, ObjectStoreError } from '../../ports/object-store.ts';

/** Digits of a number in a key, so that keys stand in the order of their numbers. */
const DIGITS = 12;

const NUMBER = /^\d{12}$/;

export function numbered(number: number): string {
  return String(number).padStart(DIGITS, '0');
}

/** The objects of one index in a fleet's store. Every call throws Refusal `state`; transient where the store could not be asked. */
export class IndexObjects {
  readonly index: string;
  readonly #objects: ObjectStore;

  constructor(index: string, objects: ObjectStore) {
    this.index = index;
    this.#objects = objects;
  }

  /** Undefined where there is none. */
  get(name: string, limit: number): Promise<Uint8Array | undefined> {
    return this.#asked(this.#objects.get(this.#key(name), limit));
  }

  /** False where another lies there. What it threw for may have been created all the same. */
  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    return (await this.#asked(this.#objects.create(this.#key(name), bytes))) === 'created';
  }

  /** Names below `folder`, without it, in their order. */
  async *names(folder: string): AsyncGenerator<string, void, undefined> {
    const prefix = this.#key(`${folder}/`);
    const keys = this.#objects.list(prefix)[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#asked(keys.next());
      if (next.done === true) return;
      yield next.value.slice(prefix.length);
    }
  }

  /** Numbers below `folder`, in their order; what is named otherwise is nobody's. */
  async *numbers(folder: string): AsyncGenerator<number, void, undefined> {
    for await (const name of this.names(folder)) if (NUMBER.test(name)) yield Number(name);
  }

  remove(name: string): Promise<void> {
    return this.#asked(this.#objects.remove(this.#key(name)));
  }

  refusal(what: string, options: { readonly cause?: unknown; readonly transient?: boolean } = {}): Refusal {
    return new Refusal('state', `${what}, so nothing new is believed of index ${this.index}.`, {
      subject: 'state',
      ...options,
    });
  }

  #key(name: string): string {
    return `state/${this.index}/${name}`;
  }

  async #asked<T>(asking: Promise<T>): Promise<T> {
    try {
      return await asking;
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw error;
      const passes = error.kind === 'away' || error.kind === 'refused';
      throw this.refusal(`The store of the fleet's state cannot be used (${error.message})`, {
        cause: error,
        transient: passes,
      });
    }
  }
}
