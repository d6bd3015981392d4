import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Overdue } from '../../../src/mirror/tuf/overdue.ts';
import { client } from '../../support/callers.ts';
import { createClock } from '../../support/clock.ts';

// Whoever asks a signed index that upstream was not asked about for too long waits for its word, as long as anybody may.

const START = 1_000_000;
const REFRESH = 60;
const BOUND = REFRESH + 300;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] }));
afterEach(() => void vi.useRealTimers());

function start({ last, asks = true }: { readonly last?: number | 'never'; readonly asks?: boolean } = {}) {
  const clock = createClock(START);
  const flights: PromiseWithResolvers<void>[] = [];
  let lastRefresh = last === 'never' ? undefined : (last ?? START);
  const overdue = new Overdue({
    clock,
    refreshAfter: REFRESH,
    lastRefresh: () => lastRefresh,
    isAsking: () => asks,
    async refresh() {
      const flight = Promise.withResolvers<void>();
      flights.push(flight);
      await flight.promise;
      lastRefresh = clock.now();
    },
  });
  return { clock, overdue, flights };
}

/** Whether a wait is over, once everything that is ready has run. */
async function isOver(wait: Promise<void>): Promise<boolean> {
  let over = false;
  void wait.then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  return over;
}

it('waits from five minutes after the next look was due on, and for nothing before that', async () => {
  const { clock, overdue, flights } = start();
  clock.advance(BOUND - 1);
  expect(overdue.isDue).toBe(false);
  await overdue.wait(client());
  expect(flights).toHaveLength(0);
  clock.advance(1);
  expect(overdue.isDue).toBe(true);
  const wait = overdue.wait(client());
  expect(await isOver(wait)).toBe(false);
  flights[0]?.resolve();
  await wait;
  expect(overdue.isDue).toBe(false);
});

it('waits where nobody knows when upstream was asked: after a start, and where the clock went back', () => {
  expect(start({ last: 'never' }).overdue.isDue).toBe(true);
  expect(start({ last: START + 10 }).overdue.isDue).toBe(true);
});

it('waits for nothing where upstream is not to be asked: it failed a moment ago, or never is', async () => {
  const { clock, overdue, flights } = start({ asks: false });
  clock.advance(BOUND);
  await overdue.wait(client());
  expect(flights).toHaveLength(0);
});

it('ends with a failure, which whoever waits is not told', async () => {
  const { clock, overdue, flights } = start();
  clock.advance(BOUND);
  const wait = overdue.wait(client());
  flights[0]?.reject(new Error('away'));
  await wait;
});

it('a silent upstream is waited for once, and again when it has spoken', async () => {
  const { clock, overdue, flights } = start();
  clock.advance(BOUND);
  const wait = overdue.wait(client());
  await vi.advanceTimersByTimeAsync(4999);
  expect(await isOver(wait)).toBe(false);
  await vi.advanceTimersByTimeAsync(10);
  await wait;
  expect(overdue.isDue).toBe(false);
  await overdue.wait(client());
  expect(flights).toHaveLength(1);
  flights[0]?.reject(new Error('away'));
  await vi.advanceTimersByTimeAsync(0);
  expect(overdue.isDue).toBe(true);
});
