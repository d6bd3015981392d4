import { StorageError } from '../ports/blob-storage.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import { BREAK_MS } from './limits.ts';

interface ReachOptions {
  /** The store was lost or is there again; once a change. Must not throw. */
  readonly onChange: (away: ObjectStoreError | undefined) => void;
  readonly breakMs?: number | undefined;
}

/**
 * Whether the store can be had. Once it could not, nobody who waits asks it for a while: its loss costs one bounded delay, then what is there
 * counts as missing at once.
 */
export class Reach {
  readonly #options: ReachOptions;
  #away: ObjectStoreError | undefined;
  #until = 0;

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** Why the store could not be had at the last attempt. */
  get away(): ObjectStoreError | undefined {
    return this.#away;
  }

  /** What `work` finds; undefined, as for what is missing, where the store cannot be had. */
  async orMissing<T>(work: () => Promise<T | undefined>): Promise<T | undefined> {
    if (this.#away !== undefined && performance.now() < this.#until) return undefined;
    return this.noting(work).catch((error: unknown) => {
      if (isAway(error)) return undefined;
      throw error;
    });
  }

  /** The same with its error, for work that nobody waits for. */
  async noting<T>(work: () => Promise<T>): Promise<T> {
    try {
      const found = await work();
      this.#note(undefined);
      return found;
    } catch (error) {
      if (isAway(error)) this.#note(error);
      throw error;
    }
  }

  #note(away: ObjectStoreError | undefined): void {
    const isChange = (away === undefined) !== (this.#away === undefined);
    this.#away = away;
    if (away !== undefined) this.#until = performance.now() + (this.#options.breakMs ?? BREAK_MS);
    if (isChange) this.#options.onChange(away);
  }
}

/** It could not be had, or does not let us: nothing was judged. */
export function isAway(error: unknown): error is ObjectStoreError {
  return error instanceof ObjectStoreError && (error.kind === 'away' || error.kind === 'refused');
}

/** What a store of blobs tells of it. */
export function aboutBucket(error: unknown): unknown {
  if (!(error instanceof ObjectStoreError)) return error;
  return new StorageError(error.kind === 'wrong' ? 'damaged' : 'failed', error.message, { cause: error });
}
