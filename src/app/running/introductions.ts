import { setTimeout } from 'node:timers/promises';
import { internalCaller, withSignal } from '../../async/caller.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';

/** Milliseconds until an upstream that did not answer at the start is asked again; twice as long each time. */
const FIRST_MS = 5_000;
const LONGEST_MS = 600_000;

type Introduced = Pick<PackageIndex, 'name' | 'signed' | 'introduce' | 'status'>;

/** The first look at each upstream: one that could not be heard then is asked until it is, so that nobody has to install something first. */
export class Introductions {
  readonly #ending = new AbortController();
  readonly #all: readonly Promise<void>[];

  constructor(indexes: readonly Introduced[], firstMs: number = FIRST_MS) {
    this.#all = indexes.map((index) => this.#introduced(index, firstMs));
  }

  /** Nobody is asked any more. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#all);
  }

  async #introduced(index: Introduced, firstMs: number): Promise<void> {
    const { signal } = this.#ending;
    const caller = withSignal(internalCaller(index.name), signal);
    for (let ms = firstMs; !signal.aborted; ms = Math.min(2 * ms, LONGEST_MS)) {
      await index.introduce(caller);
      // What is signed is asked for anew by its own keeper.
      if (index.signed !== undefined || !(await isUnheard(index))) return;
      await setTimeout(ms, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

async function isUnheard(index: Introduced): Promise<boolean> {
  const { lastRefresh, lastError } = await index.status();
  return lastRefresh === undefined && lastError !== undefined;
}
