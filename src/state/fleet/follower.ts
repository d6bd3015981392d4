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
  /** Since the start. */
  readonly looks: number;
  readonly failedLooks: number;
}

/** After so many looks for what is new the log itself is looked at: whether it was emptied, replaced or put back. */
const PROVE_EVERY = 20;

/** Whoever tells it to look, it looks no more often than this. Milliseconds. */
const APART_MS = 100;

/** Reads what others wrote, again and again, and at once when it is told to. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #deaf: () => void;
  #standing: Standing;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isHurried = false;
  #endedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: FollowerOptions) {
    const { index, hints } = options;
    this.#options = options;
    this.#standing = { index, entry: undefined, followedAt: undefined, alone: undefined, looks: 0, failedLooks: 0 };
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
    else this.#lookIn(this.#endedAt + APART_MS - performance.now());
  }

  #look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#looking ??= this.#once().finally(() => {
      this.#looking = undefined;
      this.#endedAt = performance.now();
      this.#lookIn(this.#isHurried ? Math.min(APART_MS, this.#options.everyMs) : this.#options.everyMs);
      this.#isHurried = false;
    });
    return this.#looking;
  }

  #lookIn(waitMs: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    if (waitMs <= 0) void this.#look();
    else this.#timer = setTimeout(() => void this.#look(), waitMs).unref();
  }

  async #once(): Promise<void> {
    const { index, shared, nowMs, onTurn } = this.#options;
    const { looks, failedLooks, ...before } = this.#standing;
    const wasAlone = before.alone !== undefined;
    try {
      if (looks % PROVE_EVERY === 0) await shared.prove();
      const entry = await shared.sync();
      this.#standing = { index, entry, followedAt: nowMs(), alone: undefined, looks: looks + 1, failedLooks };
    } catch (error) {
      const refusal = error instanceof Refusal ? error : notRead(index, error);
      this.#standing = {
        ...before,
        alone: { since: before.alone?.since ?? nowMs(), refusal },
        looks: looks + 1,
        failedLooks: failedLooks + 1,
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
