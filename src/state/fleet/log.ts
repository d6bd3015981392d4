import { Refusal } from '../../bytes/refusal.ts';
import { ENTRY_BYTES, type EntrySeal, type LogEntry, type OpenedEntry } from './log-entry.ts';
import { type IndexObjects, numbered } from './objects.ts';

/** The log of one index in a store: numbered objects, each created once, none ever changed. Throws as its objects do. */
export class StateLog {
  readonly #objects: IndexObjects;
  readonly #seal: EntrySeal;

  constructor(objects: IndexObjects, seal: EntrySeal) {
    this.#objects = objects;
    this.#seal = seal;
  }

  /** Undefined where there is none. */
  async read(number: number): Promise<OpenedEntry | undefined> {
    const bytes = await this.#objects.get(nameOf(number), ENTRY_BYTES);
    if (bytes === undefined) return undefined;
    const entry = this.#seal.open(bytes, number);
    if (entry === undefined)
      throw this.#objects.refusal(`Entry ${number} of the fleet's log is damaged, or sealed under another key`);
    return entry;
  }

  /** Undefined where another has this number. What it threw for may have been created all the same. */
  async create(entry: LogEntry): Promise<OpenedEntry | undefined> {
    const bytes = this.#seal.close(entry);
    if (bytes.byteLength > ENTRY_BYTES)
      throw new Refusal('limit', `One change of index ${this.#objects.index} takes more than ${ENTRY_BYTES} bytes.`, {
        subject: 'state',
      });
    return (await this.#objects.create(nameOf(entry.number), bytes)) ? this.#seal.open(bytes, entry.number) : undefined;
  }

  /** Numbers below this one that are there, but the first, which always stays. */
  async below(number: number): Promise<readonly number[]> {
    const numbers: number[] = [];
    for await (const each of this.#objects.numbers('log')) {
      if (each >= number) break;
      if (each > 0) numbers.push(each);
    }
    return numbers;
  }

  remove(number: number): Promise<void> {
    return this.#objects.remove(nameOf(number));
  }
}

function nameOf(number: number): string {
  return `log/${numbered(number)}`;
}
