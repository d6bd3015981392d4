/**
 * Long pure work: a role of millions of entries takes a second. It is written as a generator that pauses every few
 * thousand steps; who runs it decides what a pause is worth (a test: nothing; a server: a turn of the event loop).
 */
export type Sliced<T> = Generator<undefined, T, undefined>;

/** Runs sliced work where pauses matter. */
export type Runner = <T>(work: Sliced<T>) => T | Promise<T>;

/** Steps between two pauses: well under 10 ms of work. */
export const STEPS_BETWEEN_PAUSES = 2048;

/** Runs without pausing. */
export function runToEnd<T>(work: Sliced<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
