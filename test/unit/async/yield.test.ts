import { expect, it } from 'vitest';
import { runInSlices, yieldToEventLoop } from '../../../src/async/yield.ts';

/** Goes on until it is told to stop, or has waited for that far too long. */
function* pausingUntil(isEnough: () => boolean): Generator<undefined, boolean, undefined> {
  const end = performance.now() + 20_000;
  while (!isEnough() && performance.now() < end) yield;
  return isEnough();
}

it('work that takes long lets others run in between, and answers what it returns', async () => {
  let turns = 0;
  let over = false;
  const count = () => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  expect(await runInSlices(pausingUntil(() => turns > 2))).toBe(true);
  over = true;
});

it('work that is short is done without anybody else having a turn', async () => {
  let turns = 0;
  setImmediate(() => turns++);
  expect(await runInSlices(pausingUntil(() => true))).toBe(true);
  expect(turns).toBe(0);
});

it('work that fails fails for whoever asked for it', async () => {
  const failing = (function* (): Generator<undefined, string, undefined> {
    yield;
    throw new Error('wrong');
  })();
  await expect(runInSlices(failing)).rejects.toThrow('wrong');
});

it('everything that is ready runs first', async () => {
  const order: string[] = [];
  setImmediate(() => order.push('other'));
  await yieldToEventLoop();
  order.push('own');
  expect(order).toEqual(['other', 'own']);
});
