/** One task at a time for each key, in order of arrival. */
export class Mutex {
  readonly #last = new Map<string, Promise<void>>();

  /** A failed task is its own caller's; the next one runs all the same. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const outcome = (this.#last.get(key) ?? Promise.resolve()).then(task);
    const ended: Promise<void> = outcome
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        if (this.#last.get(key) === ended) this.#last.delete(key);
      });
    this.#last.set(key, ended);
    return outcome;
  }
}
