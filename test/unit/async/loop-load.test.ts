import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createLoopLoad } from '../../../src/async/loop-load.ts';

/** Keeps the event loop busy until that is seen. */
function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

it('a loop that works all the time is busy, and one that waits is not', async () => {
  const isBusy = createLoopLoad(5);
  work(50);
  expect(isBusy()).toBe(true);
  await expect
    .poll(
      async () => {
        await sleep(20);
        return isBusy();
      },
      { interval: 1, timeout: 10_000 },
    )
    .toBe(false);
});
