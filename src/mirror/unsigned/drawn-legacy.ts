import type { Caller } from '../../async/caller.ts';
import { createFlights, type Flights } from '../../async/flight.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { LegacySource, PageWork } from '../../ports/page-work.ts';

/** Legacy JSON as it was drawn: once for all who ask for the same, and kept while the memory for it lasts. */
export class DrawnLegacy {
  readonly #work: Pick<PageWork, 'drawLegacy'>;
  readonly #kept: BoundedMap<Uint8Array | undefined>;
  readonly #flights: Flights<Uint8Array | undefined> = createFlights();
  /** A page that is drawn again is another listing, and what was withheld meanwhile must not be served of an older one. */
  readonly #numbers = new WeakMap<object, number>();
  #last = 0;

  /** `memory` in bytes. */
  constructor(work: Pick<PageWork, 'drawLegacy'>, memory: number) {
    this.#work = work;
    this.#kept = new BoundedMap({ bytes: memory });
  }

  /** `upstream`: whose bytes the source holds, if upstream has such a document. Undefined for a version that is not there. */
  async draw(source: LegacySource, upstream: object | undefined, caller: Caller): Promise<Uint8Array | undefined> {
    const { project, version, base, listing } = source;
    const key = JSON.stringify([project, version, base, this.#numberOf(listing), upstream && this.#numberOf(upstream)]);
    if (this.#kept.has(key)) return this.#kept.get(key);
    return this.#flights.join(key, caller, async (shared) => {
      const drawn = await this.#work.drawLegacy(source, shared);
      this.#kept.set(key, drawn, drawn?.byteLength ?? 0);
      return drawn;
    });
  }

  #numberOf(thing: object): number {
    const number = this.#numbers.get(thing) ?? ++this.#last;
    this.#numbers.set(thing, number);
    return number;
  }
}
