import { expect, it } from 'vitest';
import { JoinedRuns } from '../../../src/async/joined-runs.ts';

/** Runs that end when the test says so. */
function runs() {
  const begun: { readonly all: readonly number[]; end(): void; fail(): void }[] = [];
  const joined = new JoinedRuns((all: readonly number[]) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    begun.push({ all, end: () => resolve(all.join('+')), fail: () => reject(new Error(all.join('+'))) });
    return promise;
  });
  return { begun, joined };
}

const heard = () => new Promise((resolve) => setImmediate(resolve));

it('whoever asks together shares a run, and whoever asks while it runs shares the next, which waits for it', async () => {
  const { begun, joined } = runs();
  const first = [joined.join(1), joined.join(2)];
  await heard();
  const second = [joined.join(3), joined.join(4), joined.join(5)];
  await heard();
  expect(begun.map(({ all }) => all)).toEqual([[1, 2]]);
  begun[0]?.end();
  expect(await Promise.all(first)).toEqual(['1+2', '1+2']);
  await heard();
  expect(begun.map(({ all }) => all)).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  begun[1]?.end();
  expect(await Promise.all(second)).toEqual(Array.from({ length: 3 }, () => '3+4+5'));
});

it('a run that fails is told to all who shared it, and to nobody else', async () => {
  const { begun, joined } = runs();
  const first = Promise.allSettled([joined.join(1), joined.join(2)]);
  await heard();
  const second = joined.join(3);
  begun[0]?.fail();
  expect((await first).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await heard();
  begun[1]?.end();
  expect(await second).toBe('3');
});
