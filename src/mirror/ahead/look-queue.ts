import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import { deadline } from '../../async/timeout.ts';
import { Refusal } from '../../bytes/refusal.ts';

/** Never rejects for what it looks at: what becomes of that is its own to tell. */
export type Look = (caller: Caller) => Promise<void>;

const MOST_WAITING = 1000;
/** What takes longer is left to whoever asks for it. Milliseconds. */
const LONGEST_MS = 60_000;
/** Until a busy event loop is looked at again. Milliseconds. */
const LATER_MS = 10;

interface LookQueueOptions {
  readonly index: string;
  readonly background: Background;
  /** Looks at once. */
  readonly most: number;
  /** True while whoever waits would wait for what is begun besides. */
  readonly isBusy: () => boolean;
}

/** Begun while nothing else keeps this process busy. Looks under way, each for a caller that goes as soon as a client waits for a place that it holds; the others wait here. */
export class LookQueue {
  readonly #options: LookQueueOptions;
  readonly #waiting: Look[] = [];
  readonly #underway = new Set<AbortController>();
  #isSoon = false;
  #isClosed = false;

  constructor(options: LookQueueOptions) {
    this.#options = options;
  }

  /** Begins behind what is done at this moment; false where too many wait. */
  add(look: Look): boolean {
    if (this.#isClosed || this.#waiting.length >= MOST_WAITING) return false;
    this.#waiting.push(look);
    if (!this.#isSoon) setImmediate(() => this.#begin());
    this.#isSoon = true;
    return true;
  }

  /** Ends those under way, and begins none any more. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    for (const leaving of this.#underway) leaving.abort(new Refusal('state', 'The mirror is shutting down.'));
  }

  #begin(): void {
    this.#isSoon = false;
    const { most, isBusy } = this.#options;
    while (this.#underway.size < most && this.#waiting.length > 0) {
      if (isBusy()) {
        this.#beginLater();
        return;
      }
      const look = this.#waiting.shift();
      if (look === undefined) return;
      this.#run(look);
    }
  }

  #beginLater(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    setTimeout(() => this.#begin(), LATER_MS).unref();
  }

  #run(look: Look): void {
    const { index, background } = this.#options;
    const leaving = new AbortController();
    const late = () => new Refusal('slow', 'Looking ahead took too long.', { transient: true });
    const until = deadline(LONGEST_MS, late, leaving.signal);
    const { signal } = until;
    const giveWay = () => {
      if (signal.aborted) return false;
      // No refusal: nothing is wrong with what was looked at.
      leaving.abort(new Error('a client needs the place of what was looked at ahead'));
      return true;
    };
    this.#underway.add(leaving);
    const done = look({ index, party: 'look-ahead', priority: 'background', signal, giveWay }).finally(() => {
      until.clear();
      this.#underway.delete(leaving);
      this.#begin();
    });
    background.add(done);
  }
}
