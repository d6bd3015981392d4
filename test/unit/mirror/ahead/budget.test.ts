import { expect, it } from 'vitest';
import { Budget } from '../../../../src/mirror/ahead/budget.ts';
import { createClock } from '../../../support/clock.ts';

it('so much may be spent at once, and no more', () => {
  const budget = new Budget(3, createClock(0));
  expect([budget.take(2), budget.take(2), budget.take(1), budget.take(1)]).toEqual([true, false, true, false]);
});

it('it comes back within a minute, and is never more than it was', () => {
  const clock = createClock(0);
  const budget = new Budget(60, clock);
  budget.take(60);
  clock.advance(10);
  expect([budget.take(11), budget.take(10), budget.take(1)]).toEqual([false, true, false]);
  clock.advance(3600);
  expect([budget.take(61), budget.take(60)]).toEqual([false, true]);
});

it('what was of use is given back', () => {
  const budget = new Budget(1, createClock(0));
  budget.take(1);
  budget.giveBack(1);
  budget.giveBack(5);
  expect([budget.take(1), budget.take(1)]).toEqual([true, false]);
});

it('what is known only afterwards is owed', () => {
  const clock = createClock(0);
  const budget = new Budget(60, clock);
  budget.spend(90);
  expect(budget.take(0)).toBe(false);
  clock.advance(30);
  expect([budget.take(1), budget.take(0)]).toEqual([false, true]);
});

it('a clock that goes back gives nothing', () => {
  const clock = createClock(1000);
  const budget = new Budget(60, clock);
  budget.take(60);
  clock.advance(-500);
  expect(budget.take(1)).toBe(false);
  clock.advance(1);
  expect(budget.take(1)).toBe(true);
});
