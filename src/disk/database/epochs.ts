/** Where the epochs of indexes are noted besides their own databases. */
export interface EpochNotes {
  /** The highest epoch noted of an index; 0 for none. Throws Refusal `state`. */
  of(index: string): Promise<number>;
  /** Never lowers, whoever raises at the same time. Throws Refusal. */
  raise(index: string, epoch: number): Promise<void>;
}

/** What is behind by this much at most: a second's changes can be put back unnoticed. Milliseconds. */
const EVERY_MS = 1000;

/** Brings the notes up to the epochs that were reached, after each start, once a second, and at the end. */
export class Epochs {
  readonly #notes: readonly EpochNotes[];
  readonly #reached = new Map<string, number>();
  readonly #noted = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #failed = false;

  constructor(notes: readonly EpochNotes[]) {
    this.#notes = notes;
  }

  /** The lowest epoch that an index's state may have. */
  async lowest(index: string): Promise<number> {
    return Math.max(0, ...(await Promise.all(this.#notes.map((notes) => notes.of(index)))));
  }

  /** Never throws and never waits. */
  reached(index: string, epoch: number): void {
    if (epoch <= (this.#reached.get(index) ?? 0) || this.#notes.length === 0) return;
    this.#reached.set(index, epoch);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.flush().catch(() => undefined);
    }, EVERY_MS).unref();
  }

  /** Throws Refusal where the last attempt to note anything failed, and this one does too: state that nobody watches does not go on. */
  async check(): Promise<void> {
    if (this.#failed) await this.flush();
  }

  /** Notes all that was reached. Throws Refusal where one cannot be noted. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#failed = true;
    for (const [index, epoch] of this.#reached) {
      if (epoch <= (this.#noted.get(index) ?? 0)) continue;
      for (const notes of this.#notes) await notes.raise(index, epoch);
      this.#noted.set(index, Math.max(epoch, this.#noted.get(index) ?? 0));
    }
    this.#failed = false;
  }
}
