/** 2026-01-01T00:00:00Z, when every test begins. */
export const START = 1_767_225_600;

export const HOUR = 3_600;
export const DAY = 86_400;

export interface TestClock {
  now(): number;
  advance(seconds: number): void;
  set(instant: number): void;
}

/** Time that moves only when told. */
export function createClock(at: number = START): TestClock {
  let instant = at;
  return {
    now: () => instant,
    advance: (seconds) => {
      instant += seconds;
    },
    set: (to) => {
      instant = to;
    },
  };
}
