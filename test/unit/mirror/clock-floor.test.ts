import { describe, expect, it } from 'vitest';
import { FlooredClock } from '../../../src/mirror/tuf/clock-floor.ts';
import { createClock } from '../../support/clock.ts';

const T = 1_800_000_000;

const start = () => {
  const clock = createClock(T);
  return { clock, floored: new FlooredClock(clock, T - 1_000_000) };
};

describe('the floor of a clock', () => {
  it('is what both clocks are past', () => {
    const { floored } = start();
    floored.heard(T - 100);
    expect(floored.shown).toBe(T - 100);
    floored.heard(T + 100);
    expect(floored.shown).toBe(T);
    floored.heard(T - 500);
    floored.heard(undefined);
    expect(floored.shown).toBe(T);
  });

  it('does not move while expiry is judged as of a reference time', () => {
    const { clock, floored } = start();
    for (const reference of [T + 100, T - 100]) {
      clock.judgeAsOf(reference);
      floored.heard(T);
    }
    expect(floored.shown).toBe(0);
  });

  it('stays where a clock is corrected by seconds: what had expired by then stays expired', () => {
    const { clock, floored } = start();
    floored.heard(T);
    clock.advance(-60);
    expect([floored.isWrong, floored.judged(), floored.now()]).toEqual([false, T, T - 60]);
    clock.advance(-1);
    expect([floored.isWrong, floored.judged()]).toEqual([true, T - 61]);
    expect(floored.refusal()).toMatchObject({ reason: 'clock', transient: true });
    expect(floored.refusal().message).toContain('accept-clock');
  });

  it('is never below the day this program was made, which no correction passes and nobody accepts', () => {
    const { clock, floored } = start();
    clock.set(T - 1_000_001);
    expect(floored.isWrong).toBe(true);
    expect(floored.refusal().message).not.toContain('accept-clock');
    floored.stored({ at: 0, words: 1 });
    expect(floored.isWrong).toBe(true);
  });

  it('falls only where an operator said so since', () => {
    const { floored } = start();
    floored.heard(T);
    floored.stored({ at: T - 5000, words: 0 });
    expect(floored.shown).toBe(T);
    floored.stored({ at: T - 5000, words: 1 });
    expect([floored.shown, floored.words]).toEqual([T - 5000, 1]);
    floored.stored({ at: T + 7, words: 1 });
    floored.stored({ at: T - 9000, words: 1 });
    expect(floored.shown).toBe(T + 7);
  });
});
