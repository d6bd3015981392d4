import type { Caller } from '../async/caller.ts';
import { createFlights, type Flights } from '../async/flight.ts';
import { within } from '../async/timeout.ts';
import { LONGEST_WAIT_MS } from './limits.ts';
import type { Drawing, Found } from './projects/drawing.ts';
import type { Kept } from './projects/remembered.ts';

/** All work that ends with a document in memory, one flight a name of each. */
export class Underway<P, V> {
  /** What our own state vouches for is read. */
  readonly recalls: Flights<Kept<P, V> | undefined> = createFlights();
  /** Upstream is asked. */
  readonly asks: Flights<Found<P, V> | undefined> = createFlights();
  readonly redraws: Flights<Found<P, V> | undefined> = createFlights();
  readonly wholes: Flights<Drawing<P, V>> = createFlights();

  has(name: string): boolean {
    return this.#all.some((flights) => flights.has(name));
  }

  /** Resolves when what is under way for the name has ended, or after the longest that anybody waits. Never rejects. */
  async ended(name: string, caller: Caller): Promise<void> {
    const ended = Promise.allSettled(this.#all.map((flights) => flights.joinUnderway(name, caller)));
    await within<unknown>(LONGEST_WAIT_MS, ended, undefined);
  }

  get #all() {
    return [this.recalls, this.asks, this.redraws, this.wholes];
  }
}
