import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createClock } from '../../src/app/clock.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { createClock as createTestClock } from '../support/clock.ts';
import { CLOCK_CASES, clockContract, type MakeClock } from './clock.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
});

const ofTheMachine: MakeClock = (at, reference) => {
  vi.setSystemTime(at * 1000);
  const pass = (seconds: number) => void vi.setSystemTime(Date.now() + seconds * 1000);
  return { clock: createClock(reference), pass, reference };
};

const ofTests: MakeClock = (at, reference) => {
  const clock = createTestClock(at);
  clock.judgeAsOf(reference);
  // It is told whole seconds.
  return { clock, pass: (seconds) => clock.advance(Math.floor(seconds)), reference };
};

clockContract('of the machine', ofTheMachine);
clockContract('of tests', ofTests);

interface Misbehaviour {
  readonly does: string;
  readonly caughtBy: string;
  change(clock: Clock, reference: number | undefined): Partial<Clock>;
}

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    does: 'tells fractions',
    caughtBy: 'tells whole seconds since the epoch',
    change: () => ({ now: () => Date.now() / 1000 }),
  },
  {
    does: 'stands still where expiry is judged as of one moment',
    caughtBy: 'goes on, whatever expiry is judged as of',
    change: ({ judged }) => ({ now: judged }),
  },
  {
    does: 'judges as of its start',
    caughtBy: 'judges expiry as of the time it is, where nobody says otherwise',
    change({ now }, reference) {
      const start = now();
      return { judged: () => reference ?? start };
    },
  },
  {
    does: 'forgets what it judges as of',
    caughtBy: 'judges expiry as of the reference time for as long as it runs',
    change: ({ now }) => ({ judged: now }),
  },
  {
    does: 'takes a reference time of 0 for none',
    caughtBy: 'judges expiry as of the reference time for as long as it runs',
    change: ({ now }, reference) => ({ judged: () => reference || now() }),
  },
  {
    does: 'never goes back',
    caughtBy: 'goes back with the machine’s clock: what comes of that others decide',
    change({ now }) {
      let latest = 0;
      return {
        now() {
          latest = Math.max(latest, now());
          return latest;
        },
        judged: () => latest,
      };
    },
  },
];

describe('the contract of a clock notices one that', () => {
  it.each(MISBEHAVIOURS)('$does', ({ caughtBy, change }) => {
    const found = CLOCK_CASES.find(({ name }) => name === caughtBy);
    if (found === undefined) throw new Error(`no case is called ${caughtBy}`);
    const make: MakeClock = (at, reference) => {
      const rig = ofTheMachine(at, reference);
      const clock = { ...rig.clock, ...change(rig.clock, reference) };
      clock.now();
      return { ...rig, clock };
    };
    expect(() => found.run(make)).toThrow();
  });

  it('every case of it catches something', () => {
    const caught = new Set(MISBEHAVIOURS.map(({ caughtBy }) => caughtBy));
    expect(CLOCK_CASES.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
