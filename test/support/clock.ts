import type { Clock } from '../../src/ports/clock.ts';

/** 2026-01-01T00:00:00Z, when every test begins. */
export const START = 1_767_225_600;

export const HOUR = 3_600;
export const DAY = 86_400;

export interface TestClock extends Clock {
  now(): number;
  judged(): number;
  /** Expiry is judged as of this time from now on, whatever time it is; undefined: as of the time it is. */
  judgeAsOf(instant: number | undefined): void;
  advance(seconds: number): void;
  set(instant: number): void;
}

/** Time that moves only when told. */
export function createClock(at: number = START): TestClock {
  let instant = at;
  let reference: number | undefined;
  return {
    now: () => instant,
    judged: () => reference ?? instant,
    judgeAsOf: (to) => {
      reference = to;
    },
    advance: (seconds) => {
      instant += seconds;
    },
    set: (to) => {
      instant = to;
    },
  };
}
