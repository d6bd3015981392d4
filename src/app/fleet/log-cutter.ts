import type { Emit } from '../../ports/events.ts';
import type { Compaction } from '../../state/fleet/compaction.ts';

interface Cuttable {
  compact(): Promise<Compaction | undefined>;
}

/** Cuts the logs of a fleet behind everything else, where it is on this process to; and remembers what came of it. */
export class LogCutter {
  readonly #emit: Emit;
  readonly #running = new Map<string, Promise<void>>();
  readonly #removed = new Map<string, number>();
  readonly #failures = new Map<string, string>();
  #closed = false;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** Why the log of an index was not cut when it was last tried here, by index. */
  get failures(): ReadonlyMap<string, string> {
    return this.#failures;
  }

  /** Entries that went, since the start. */
  removedOf(index: string): number {
    return this.#removed.get(index) ?? 0;
  }

  /** One that is under way is enough. */
  cut(index: string, shared: Cuttable): void {
    if (this.#closed || this.#running.has(index)) return;
    const running = this.#cut(index, shared).finally(() => this.#running.delete(index));
    this.#running.set(index, running);
  }

  /** After the store was closed, so that what is under way fails soon; another replica takes it up. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running.values());
  }

  async #cut(index: string, shared: Cuttable): Promise<void> {
    try {
      const done = await shared.compact();
      this.#failures.delete(index);
      if (done === undefined) return;
      this.#removed.set(index, this.removedOf(index) + done.removed);
      const { number, bytes, removed } = done;
      this.#emit({ name: 'fleet', index, step: 'cut', entry: number, bytes, removed });
    } catch (error) {
      if (this.#closed) return;
      const why = error instanceof Error ? error.message : String(error);
      this.#failures.set(index, why);
      this.#emit({ name: 'fleet', index, step: 'failed', entry: 0, bytes: 0, removed: 0, why });
    }
  }
}
