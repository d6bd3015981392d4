import { expect, test } from 'vitest';
import { runInSlices, yieldToEventLoop } from '../../../src/async/yield.ts';

function* pausing(milliseconds: number): Generator<undefined, string, undefined> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) yield;
  return 'done';
}

test('work that takes long lets others run in between, and answers what it returns', async () => {
  let turns = 0;
  let over = false;
  const count = () => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  expect(await runInSlices(pausing(100))).toBe('done');
  over = true;
  expect(turns).toBeGreaterThan(2);
});

test('work that is short is done without anybody else having a turn', async () => {
  let turns = 0;
  setImmediate(() => turns++);
  expect(await runInSlices(pausing(0))).toBe('done');
  expect(turns).toBe(0);
});

test('work that fails fails for whoever asked for it', async () => {
  const failing = (function* (): Generator<undefined, string, undefined> {
    yield;
    throw new Error('wrong');
  })();
  await expect(runInSlices(failing)).rejects.toThrow('wrong');
});

test('everything that is ready runs first', async () => {
  const order: string[] = [];
  setImmediate(() => order.push('other'));
  await yieldToEventLoop();
  order.push('own');
  expect(order).toEqual(['other', 'own']);
});
