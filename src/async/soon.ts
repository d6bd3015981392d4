/** Work that is done a while after it was first asked for, once for all who ask meanwhile. */
export class Soon {
  readonly #afterMs: number;
  readonly #work: () => Promise<void>;
  #waiting: { readonly timer: NodeJS.Timeout; readonly start: () => void; readonly done: Promise<void> } | undefined;

  constructor(afterMs: number, work: () => Promise<void>) {
    this.#afterMs = afterMs;
    this.#work = work;
  }

  /** Resolves, or rejects, with the work. */
  ask(): Promise<void> {
    if (this.#waiting !== undefined) return this.#waiting.done;
    const { promise, resolve } = Promise.withResolvers<void>();
    const start = () => {
      this.#waiting = undefined;
      resolve(this.#work());
    };
    this.#waiting = { timer: setTimeout(start, this.#afterMs), start, done: promise };
    return promise;
  }

  /** What was asked for begins at once. */
  now(): void {
    clearTimeout(this.#waiting?.timer);
    this.#waiting?.start();
  }
}
