/**
 * Judging is pure and may be long: a role of millions of entries takes a second. It is written as a generator that
 * pauses every few thousand steps; who drives it decides what a pause is worth (a test: nothing; a server: a turn of
 * the event loop).
 */
export type Judging<T> = Generator<undefined, T, undefined>;

/** Drives judging somewhere pauses matter. */
export type Patience = <T>(judging: Judging<T>) => Promise<T>;

/** Steps between two pauses: well under 10 ms of work. */
export const STEPS_BETWEEN_PAUSES = 2048;

/** Runs to the end without pausing. */
export function judge<T>(judging: Judging<T>): T {
  for (;;) {
    const { done, value } = judging.next();
    if (done === true) return value;
  }
}

export const impatient: Patience = async (judging) => judge(judging);
