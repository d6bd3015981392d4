import { expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { Breaker } from '../../../src/mirror/projects/breaker.ts';
import { createClock } from '../../support/clock.ts';

function start(offline = false) {
  const clock = createClock();
  const told: boolean[] = [];
  const breaker = new Breaker({ clock, offline, reports: { silence: (silent) => void told.push(silent) } });
  return { clock, told, breaker };
}

/** The seconds at which it lets one look, of so many that it is asked in. */
function looks({ clock, breaker }: ReturnType<typeof start>, seconds: number): readonly number[] {
  return Array.from({ length: seconds }, (_, second) => {
    const may = breaker.mayAsk();
    clock.advance(1);
    return may ? second : -1;
  }).filter((second) => second >= 0);
}

it('a mirror that is offline asks for nothing, and nobody waits for upstream', () => {
  const offline = start(true);
  expect(looks(offline, 100)).toEqual([]);
  expect(offline.breaker.isOpen).toBe(true);
  expect(offline.breaker.isSilent).toBe(false);
  expect(start().breaker.mayAsk()).toBe(true);
});

it('a silent upstream is left alone for five seconds, then looked for once every thirty', () => {
  const silent = start();
  silent.breaker.late();
  expect(looks(silent, 70)).toEqual([5, 35, 65]);
  // Late again: the pause begins anew.
  silent.breaker.late();
  expect(looks(silent, 10)).toEqual([5]);
  silent.breaker.answered();
  expect(looks(silent, 3)).toEqual([0, 1, 2]);
  expect(silent.told).toEqual([true, false]);
});

it('what ends otherwise than by a refusal says nothing of upstream; a refusal of what it said is an answer', () => {
  const { breaker } = start();
  breaker.failed(new Error('of our own'));
  expect(breaker.isSilent).toBe(false);
  breaker.failed(new Refusal('slow', 'Upstream took too long.'));
  for (const error of [new Error('of our own'), new Refusal('unreachable', 'Upstream is away.')]) {
    breaker.failed(error);
    expect(breaker.isSilent).toBe(true);
  }
  breaker.failed(new Refusal('digest', 'Upstream sent other bytes.'));
  expect(breaker.isSilent).toBe(false);
});
