import { expect, it } from 'vitest';
import { Soon } from '../../../src/async/soon.ts';

it('work that many ask for is done once, and again for who asks later', async () => {
  let done = 0;
  const soon = new Soon(1, async () => void done++);
  await Promise.all([soon.ask(), soon.ask(), soon.ask()]);
  expect(done).toBe(1);
  await soon.ask();
  expect(done).toBe(2);
});

it('work that is asked for is done at once where it must be, and none where nobody asked', async () => {
  let done = 0;
  const soon = new Soon(2 ** 31 - 1, async () => void done++);
  soon.now();
  expect(done).toBe(0);
  const asked = soon.ask();
  soon.now();
  await asked;
  soon.now();
  expect(done).toBe(1);
});

it('who asks is told that the work failed', async () => {
  const soon = new Soon(1, () => Promise.reject(new Error('the disk is full')));
  await expect(soon.ask()).rejects.toThrow('the disk is full');
});
