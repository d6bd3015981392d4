import { type Instant, instantText } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { StoredClockFloor, TrustStore } from '../../ports/trust/trust-store.ts';

/** A clock that is set right by less is not one that went back. Seconds. */
const CORRECTION = 60;
/** How often it is looked whether an operator has set the floor, while it refuses. Milliseconds. */
const WORD_EVERY = 500;

/**
 * A clock with a floor under it: a time that has certainly passed. It moves with the index's own evidence, and falls only by
 * an operator's word.
 */
export class FlooredClock implements Clock {
  readonly #clock: Clock;
  readonly #notBefore: Instant;
  #floor: StoredClockFloor = { at: 0, words: 0 };

  /** `notBefore`: this program did not exist then. */
  constructor(clock: Clock, notBefore: Instant) {
    this.#clock = clock;
    this.#notBefore = notBefore;
  }

  now(): Instant {
    return this.#clock.now();
  }

  /** Within a correction below the floor it is the floor: what had expired stays so. */
  judged(): Instant {
    const judged = this.#clock.judged();
    return judged < this.at && !this.isPast(judged) ? this.at : judged;
  }

  /** True where a time is to be judged as of that has already passed. */
  get isWrong(): boolean {
    return this.isPast(this.#clock.judged());
  }

  /** True of a time that has already passed, and more than a correction ago. */
  isPast(judged: Instant): boolean {
    return judged < this.#floor.at - CORRECTION || judged < this.#notBefore;
  }

  /** No time before it is believed. */
  get at(): Instant {
    return Math.max(this.#floor.at, this.#notBefore);
  }

  /** What evidence has shown, for the disk. */
  get shown(): Instant {
    return this.#floor.at;
  }

  /** How often an operator has set it. */
  get words(): number {
    return this.#floor.words;
  }

  /** What is stored: it may only be lower than what is known where an operator said so since. */
  stored(floor: StoredClockFloor): void {
    const at = floor.words > this.words ? floor.at : Math.max(floor.at, this.#floor.at);
    this.#floor = { at, words: Math.max(floor.words, this.words) };
  }

  /**
   * Upstream, whose signatures held, said what time it is there: whatever both clocks are past has passed. Where it did not
   * say, or expiry was judged as of a reference time, nothing is shown.
   */
  heard(there: Instant | undefined): void {
    const now = this.#clock.now();
    if (there === undefined || this.#clock.judged() !== now) return;
    this.#floor = { ...this.#floor, at: Math.max(this.#floor.at, Math.min(now, there)) };
  }

  /** `asOf`: a time that somebody gave instead of the clock's. */
  refusal(asOf?: Instant): Refusal {
    const says = asOf === undefined ? "This machine's clock says" : 'The reference time is';
    const said = `${says} ${instantText(asOf ?? this.#clock.judged())}, which is before ${instantText(this.at)}: a time that has already passed.`;
    const way =
      this.at > this.#notBefore
        ? 'Set the clock; where it is right and was ahead before, say so with verbatim accept-clock.'
        : 'Set the clock.';
    return new Refusal('clock', `${said} ${way}`, { subject: 'state', transient: true });
  }
}

interface ClockWordOptions {
  readonly clock: FlooredClock;
  readonly store: Pick<TrustStore, 'clockFloor'>;
}

/** An operator's word about the clock, which may be given beside this process. */
export class ClockWord {
  readonly #options: ClockWordOptions;
  #askAfter = 0;

  constructor(options: ClockWordOptions) {
    this.#options = options;
  }

  /** Throws Refusal `clock` where it is wrong, and no operator has said otherwise since. */
  async refuseWrong(): Promise<void> {
    const { clock, store } = this.#options;
    if (!clock.isWrong) return;
    const now = performance.now();
    if (now >= this.#askAfter) {
      this.#askAfter = now + WORD_EVERY;
      const stored = await store.clockFloor();
      if (stored !== undefined) clock.stored(stored);
    }
    if (clock.isWrong) throw clock.refusal();
  }
}
