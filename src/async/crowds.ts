import { Line } from './line.ts';

/** Groups by how many of each wait: the largest is at hand, however many there are. */
export class Crowds<G> {
  /** By the number that waits. */
  readonly #sizes: (Line<G> | undefined)[] = [];
  #most = 0;

  /** How many of the largest wait. */
  get most(): number {
    return this.#most;
  }

  /** One of those of whom most wait; undefined where nobody does. */
  get largest(): G | undefined {
    return this.#sizes[this.#most]?.first;
  }

  /** `from` and `to` are one apart. */
  move(group: G, from: number, to: number): void {
    this.#sizes[from]?.delete(group);
    if (to > 0) {
      const size = this.#sizes[to] ?? new Line<G>();
      this.#sizes[to] = size;
      size.add(group);
    }
    if (to > this.#most) this.#most = to;
    else if (from === this.#most && this.#sizes[from]?.size === 0) this.#most = to;
  }
}
