import { Refusal } from '../../bytes/refusal.ts';
import type { StateHints } from '../../ports/state-hints.ts';
import type { SharedIndex } from './shared-index.ts';

export interface FollowerOptions {
  readonly index: string;
  readonly shared: SharedIndex;
  /** Milliseconds between the end of one look and the next. */
  readonly everyMs: number;
  readonly hints?: StateHints | undefined;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Called when it begins to stand alone, and when it no longer does. */
  readonly onTurn?: (() => void) | undefined;
}

/** How one index of a replica stands to the fleet. */
export interface Standing {
  readonly index: string;
  /** The last entry that is held here; undefined before the first look. */
  readonly entry: number | undefined;
  /** When the log was last read to its end; undefined before. */
  readonly followedAt: number | undefined;
  /** Why the replica stands alone: it serves what it holds, and believes nothing new. */
  readonly alone: { readonly since: number; readonly refusal: Refusal } | undefined;
}

/** After so many looks for what is new the log itself is looked at: whether it was emptied, replaced or put back. */
const PROVE_EVERY = 20;

/** Reads what others wrote, again and again, and at once when it is told to. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #deaf: () => void;
  #standing: Standing;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isHurried = false;
  #looks = 0;
  #closed = false;

  constructor(options: FollowerOptions) {
    const { index, hints } = options;
    this.#options = options;
    this.#standing = { index, entry: undefined, followedAt: undefined, alone: undefined };
    this.#deaf = hints?.listen((of) => of === index && this.#hurry()) ?? (() => undefined);
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Looks once, and from then on by itself. Never throws: what is wrong is in its standing. */
  async start(): Promise<void> {
    await this.#look();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#deaf();
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #hurry(): void {
    if (this.#looking !== undefined) this.#isHurried = true;
    else if (!this.#closed) void this.#look();
  }

  #look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#looking ??= this.#once().finally(() => {
      this.#looking = undefined;
      const waitMs = this.#isHurried ? 0 : this.#options.everyMs;
      this.#isHurried = false;
      if (!this.#closed) this.#timer = setTimeout(() => void this.#look(), waitMs).unref();
    });
    return this.#looking;
  }

  async #once(): Promise<void> {
    const { index, shared, nowMs, onTurn } = this.#options;
    const wasAlone = this.#standing.alone !== undefined;
    try {
      if (this.#looks++ % PROVE_EVERY === 0) await shared.prove();
      const entry = await shared.sync();
      this.#standing = { index, entry, followedAt: nowMs(), alone: undefined };
    } catch (error) {
      const refusal = error instanceof Refusal ? error : notRead(index, error);
      this.#standing = {
        ...this.#standing,
        alone: { since: this.#standing.alone?.since ?? nowMs(), refusal },
      };
    }
    if (wasAlone !== (this.#standing.alone !== undefined)) onTurn?.();
  }
}

function notRead(index: string, cause: unknown): Refusal {
  return new Refusal('state', `What the fleet wrote of index ${index} could not be kept here.`, {
    subject: 'state',
    cause,
    transient: true,
  });
}
