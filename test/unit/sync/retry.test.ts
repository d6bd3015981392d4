import { expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { attempting } from '../../../src/sync/retry.ts';

const passing = new Refusal('unreachable', 'It is away.', { transient: true, retryIn: 3 });

async function attempts(error: Error, most: number) {
  const paused: number[] = [];
  let [tried, again] = [0, 0];
  const attempt = attempting(
    async (ms) => void paused.push(ms),
    () => again++,
  );
  const ended = await attempt(async () => {
    if (++tried <= most) throw error;
    return 'done';
  }).catch((thrown: unknown) => thrown);
  return { ended, tried, again, paused };
}

it('what may pass is done again, after pauses that grow, and in the end given up', async () => {
  expect(await attempts(passing, 2)).toEqual({ ended: 'done', tried: 3, again: 2, paused: [3000, 3000] });
  expect(await attempts(passing, 9)).toEqual({ ended: passing, tried: 4, again: 3, paused: [3000, 3000, 8000] });
});

it.each([new Refusal('digest', 'It is another.'), new Error('a fault of ours')])(
  'what does not pass is not done again: %s',
  async (error) => {
    expect(await attempts(error, 1)).toEqual({ ended: error, tried: 1, again: 0, paused: [] });
  },
);
