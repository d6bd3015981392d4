import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/ports/clock.ts';

export interface ClockRig {
  readonly clock: Clock;
  /** Seconds go by. */
  pass(seconds: number): void;
  /** What the operator says that expiry is to be judged as of, if anything. */
  readonly reference: number | undefined;
}

export type MakeClock = (at: number, reference?: number) => ClockRig;

export interface ClockCase {
  readonly name: string;
  run(make: MakeClock): void;
}

const AT = 1_800_000_000;
const PAST = AT - 86_400;
const FUTURE = AT + 86_400;

export const CLOCK_CASES: readonly ClockCase[] = [
  {
    name: 'tells whole seconds since the epoch',
    run(make) {
      for (const reference of [undefined, PAST]) {
        const { clock, pass } = make(AT, reference);
        pass(0.75);
        expect(clock.now()).toBe(AT);
        expect(Number.isSafeInteger(clock.judged())).toBe(true);
      }
    },
  },
  {
    name: 'goes on, whatever expiry is judged as of',
    run(make) {
      for (const reference of [undefined, PAST, FUTURE]) {
        const { clock, pass } = make(AT, reference);
        pass(10);
        expect(clock.now()).toBe(AT + 10);
        pass(3600);
        expect(clock.now()).toBe(AT + 3610);
      }
    },
  },
  {
    name: 'judges expiry as of the time it is, where nobody says otherwise',
    run(make) {
      const { clock, pass } = make(AT);
      expect(clock.judged()).toBe(AT);
      pass(10);
      expect(clock.judged()).toBe(AT + 10);
    },
  },
  {
    name: 'judges expiry as of the reference time for as long as it runs',
    run(make) {
      for (const reference of [PAST, FUTURE, 0]) {
        const { clock, pass } = make(AT, reference);
        pass(10 * 86_400);
        expect(clock.judged()).toBe(reference);
      }
    },
  },
  {
    name: 'goes back with the machine’s clock: what comes of that others decide',
    run(make) {
      const { clock, pass } = make(AT);
      pass(-60);
      expect([clock.now(), clock.judged()]).toEqual([AT - 60, AT - 60]);
    },
  },
];

export function clockContract(name: string, make: MakeClock): void {
  describe(`clock: ${name}`, () => {
    it.each(CLOCK_CASES)('$name', ({ run }) => run(make));
  });
}
