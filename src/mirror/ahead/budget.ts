import type { Instant } from '../../bytes/instant.ts';
import type { Clock } from '../../ports/clock.ts';

const MINUTE = 60;

/** So much a minute, all of it at once where nothing was spent lately. What turns out to have been of use is given back. */
export class Budget {
  readonly #amount: number;
  readonly #clock: Pick<Clock, 'now'>;
  #left: number;
  #at: Instant;

  constructor(amount: number, clock: Pick<Clock, 'now'>) {
    this.#amount = amount;
    this.#clock = clock;
    this.#left = amount;
    this.#at = clock.now();
  }

  /** False, and nothing is spent, where less is left. */
  take(cost: number): boolean {
    this.#refill();
    if (cost > this.#left) return false;
    this.#left -= cost;
    return true;
  }

  /** For what is known only afterwards: what is left may fall below nothing. */
  spend(cost: number): void {
    this.#refill();
    this.#left -= cost;
  }

  giveBack(cost: number): void {
    this.#left = Math.min(this.#amount, this.#left + cost);
  }

  #refill(): void {
    const now = this.#clock.now();
    // A clock that went back gives nothing.
    const passed = Math.max(0, now - this.#at);
    this.#at = now;
    this.#left = Math.min(this.#amount, this.#left + (passed / MINUTE) * this.#amount);
  }
}
