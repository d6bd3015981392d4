import { BoundedMap } from '../../bytes/bounded-map.ts';

/** Values for a while; the least recently used makes room. */
export class Remembered<V> {
  readonly #kept: BoundedMap<{ readonly value: V; readonly until: number }>;
  readonly #forMs: number;
  readonly #nowMs: () => number;

  constructor(entries: number, forMs: number, nowMs: () => number) {
    this.#kept = new BoundedMap({ entries });
    this.#forMs = forMs;
    this.#nowMs = nowMs;
  }

  set(id: string, value: V): void {
    this.#kept.set(id, { value, until: this.#nowMs() + this.#forMs });
  }

  get(id: string): V | undefined {
    const known = this.#kept.get(id);
    if (known === undefined) return undefined;
    if (this.#nowMs() < known.until) return known.value;
    this.#kept.delete(id);
    return undefined;
  }

  delete(id: string): void {
    this.#kept.delete(id);
  }
}
