/**
 * Shares turns of the event loop among many whose work would otherwise go on without end in one: so many steps are taken in a turn, the others
 * in the next ones, in the order in which they came. Between two turns everybody else has theirs.
 */
export class Turns {
  readonly #steps: number;
  readonly #waiting: (() => void)[] = [];
  /** In this turn. */
  #taken = 0;

  /** `steps`: in a turn. */
  constructor(steps: number) {
    this.#steps = steps;
  }

  /** To be waited for before each step; undefined where it may be taken at once. */
  next(): Promise<void> | undefined {
    if (this.#waiting.length > 0 || this.#taken === this.#steps)
      return new Promise((resolve) => {
        this.#waiting.push(resolve);
      });
    this.#take();
    return undefined;
  }

  #take(): void {
    if (this.#taken++ === 0) setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#taken = 0;
    for (const resolve of this.#waiting.splice(0, this.#steps)) {
      this.#take();
      resolve();
    }
  }
}
