import { Refusal } from '../../bytes/refusal.ts';
import { type ObjectStore, ObjectStoreError } from '../../ports/object-store.ts';
import { ENTRY_BYTES, type EntrySeal, type LogEntry, type OpenedEntry } from './log-entry.ts';

/** Digits of an entry's number in its key, so that keys stand in the order of their numbers. */
const DIGITS = 12;

/** The log of one index in a store: numbered objects, each created once, none ever changed. */
export class StateLog {
  readonly index: string;
  readonly #objects: ObjectStore;
  readonly #seal: EntrySeal;

  constructor(index: string, objects: ObjectStore, seal: EntrySeal) {
    this.index = index;
    this.#objects = objects;
    this.#seal = seal;
  }

  /** Undefined where there is none. Throws Refusal `state`; transient where the store could not be asked. */
  async read(number: number): Promise<OpenedEntry | undefined> {
    const bytes = await this.#asked(this.#objects.get(this.#key(number), ENTRY_BYTES));
    if (bytes === undefined) return undefined;
    const entry = this.#seal.open(bytes, number);
    if (entry === undefined)
      throw this.#refusal(`Entry ${number} of the fleet's log is damaged, or sealed under another key`);
    return entry;
  }

  /** Undefined where another has this number. Throws as above; what it threw for may have been created all the same. */
  async create(entry: LogEntry): Promise<OpenedEntry | undefined> {
    const bytes = this.#seal.close(entry);
    if (bytes.byteLength > ENTRY_BYTES)
      throw new Refusal('limit', `One change of index ${this.index} takes more than ${ENTRY_BYTES} bytes.`, {
        subject: 'state',
      });
    const outcome = await this.#asked(this.#objects.create(this.#key(entry.number), bytes));
    return outcome === 'created' ? this.#seal.open(bytes, entry.number) : undefined;
  }

  #key(number: number): string {
    return `state/${this.index}/log/${String(number).padStart(DIGITS, '0')}`;
  }

  async #asked<T>(asking: Promise<T>): Promise<T> {
    try {
      return await asking;
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw error;
      const passes = error.kind === 'away' || error.kind === 'refused';
      throw this.#refusal(`The store of the fleet's state cannot be used (${error.message})`, {
        cause: error,
        transient: passes,
      });
    }
  }

  #refusal(what: string, options: { readonly cause?: unknown; readonly transient?: boolean } = {}): Refusal {
    return new Refusal('state', `${what}, so nothing new is believed of index ${this.index}.`, {
      subject: 'state',
      ...options,
    });
  }
}
