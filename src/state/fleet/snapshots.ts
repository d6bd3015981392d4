import { z } from 'zod';
import { type IndexObjects, numbered } from './objects.ts';
import { WholeState } from './parts.ts';
import type { ObjectSeal } from './seal.ts';

const Header = z.strictObject({
  index: z.string(),
  nonce: z.string(),
  /** Of the last entry that is in it. */
  number: z.int(),
  digest: z.string(),
  log: z.string(),
  written: z.int().nonnegative(),
  state: WholeState,
});

/** What an index's state was after an entry of its log. */
export interface Snapshot {
  readonly number: number;
  /** Of that entry, and of the log's first. */
  readonly digest: string;
  readonly log: string;
  /** Bytes of all entries up to that one. */
  readonly written: number;
  readonly state: WholeState;
}

/** More than the list of parts of any state that a disk holds. */
const SNAPSHOT_BYTES = 16 * 1024 * 1024;

/** The snapshots of one index, by the number of the entry they stand at: each created once. Throws as its objects do. */
export class Snapshots {
  readonly #objects: IndexObjects;
  readonly #seal: ObjectSeal;

  constructor(objects: IndexObjects, seal: ObjectSeal) {
    this.#objects = objects;
    this.#seal = seal;
  }

  /** False where there is one of this number. */
  create(snapshot: Snapshot): Promise<boolean> {
    return this.#objects.create(nameOf(snapshot.number), this.#seal.close({ index: this.#objects.index, ...snapshot }));
  }

  /** Undefined where there is none, or what lies there was not made by this fleet: another one serves. */
  async read(number: number): Promise<Snapshot | undefined> {
    const bytes = await this.#objects.get(nameOf(number), SNAPSHOT_BYTES);
    const { data } = Header.safeParse(bytes && this.#seal.open(bytes)?.header);
    if (data === undefined || data.index !== this.#objects.index || data.number !== number) return undefined;
    const { index: _, nonce: __, ...snapshot } = data;
    return snapshot;
  }

  /** Newest first. */
  async numbers(): Promise<readonly number[]> {
    const numbers: number[] = [];
    for await (const number of this.#objects.numbers('snapshots')) numbers.push(number);
    return numbers.toReversed();
  }

  remove(number: number): Promise<void> {
    return this.#objects.remove(nameOf(number));
  }
}

function nameOf(number: number): string {
  return `snapshots/${numbered(number)}`;
}
