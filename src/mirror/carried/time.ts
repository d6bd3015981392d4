import { dateText, daysText, type Instant, instantText } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Carried } from '../../ports/carried.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Item } from '../../ports/index-state.ts';

const DAY = 86_400;

export interface CarriedTimeOptions {
  readonly clock: Clock;
  readonly carried: Pick<Item<Carried>, 'read'>;
  /** Days after the reference time for which what was imported may be served. */
  readonly maxAgeDays: number;
  /** The reference time that the operator configured. */
  readonly reference: Instant | undefined;
}

/** How old what was imported is. */
export interface CarriedAge {
  readonly reference: Instant;
  readonly by: string;
  /** Seconds, from the reference time or from the earliest signed expiry where that is earlier. */
  readonly age: number;
  /** Seconds that it may have. */
  readonly most: number;
}

/**
 * The time of an index that arrives by import. Its evidence is judged as of a reference time, which somebody has to have said, never goes
 * back and is never ahead of the clock; and it is served only for so long after that.
 */
export class CarriedTime implements Clock {
  readonly #options: CarriedTimeOptions;
  #carried: Carried | undefined;

  private constructor(options: CarriedTimeOptions, carried: Carried | undefined) {
    this.#options = options;
    this.#carried = carried;
  }

  /** Throws Refusal `state`. */
  static async open(options: CarriedTimeOptions): Promise<CarriedTime> {
    return new CarriedTime(options, (await options.carried.read())?.value);
  }

  /** Another process, or an import, has changed what is remembered. */
  async reload(): Promise<void> {
    this.#carried = (await this.#options.carried.read())?.value;
  }

  get carried(): Carried | undefined {
    return this.#carried;
  }

  now(): Instant {
    return this.#options.clock.now();
  }

  judged(): Instant {
    return this.#reference()?.at ?? this.#options.clock.judged();
  }

  /** Undefined where nobody gave a reference time: signatures then expire by the clock. */
  age(earliestExpiry = Number.POSITIVE_INFINITY): CarriedAge | undefined {
    const reference = this.#reference();
    if (reference === undefined) return undefined;
    const from = Math.min(reference.at, earliestExpiry);
    const days = Math.min(this.#options.maxAgeDays, this.#carried?.maxAgeDays ?? Number.POSITIVE_INFINITY);
    return { reference: reference.at, by: reference.by, age: this.now() - from, most: days * DAY };
  }

  isSpent(earliestExpiry?: Instant): boolean {
    const age = this.age(earliestExpiry);
    return age !== undefined && age.age > age.most;
  }

  refusal(earliestExpiry?: Instant): Refusal {
    const { reference = 0, age = 0, most = 0 } = this.age(earliestExpiry) ?? {};
    return new Refusal(
      'expired',
      `What was imported is as of ${dateText(reference)}, ${daysText(age)} old, and may be ${daysText(most)} (import.max_age): a newer bundle has to be imported.`,
      { subject: 'timestamp' },
    );
  }

  /** Throws `clock` for a reference time that lies before the last one, or that has not come. */
  refuseReference(at: Instant): void {
    const last = this.#reference()?.at;
    if (at > this.now())
      throw new Refusal('clock', `The reference time ${instantText(at)} has not come yet by this machine's clock.`, {
        subject: 'timestamp',
      });
    if (last !== undefined && at < last)
      throw new Refusal(
        'clock',
        `The reference time ${instantText(at)} lies before the last one, ${instantText(last)}: it never goes back.`,
        { subject: 'timestamp' },
      );
  }

  /** The later of what was imported and what is configured. */
  #reference(): Carried['reference'] {
    const { reference: configured, clock } = this.#options;
    const imported = this.#carried?.reference;
    if (configured === undefined || configured <= (imported?.at ?? Number.NEGATIVE_INFINITY)) return imported;
    return { at: Math.min(configured, clock.now()), by: 'reference_time' };
  }
}
