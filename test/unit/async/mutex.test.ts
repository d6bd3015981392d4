import { expect, it } from 'vitest';
import { Mutex } from '../../../src/async/mutex.ts';

/** Tasks that note when they begin and end, and end when the test says so. */
function tasks(mutex: Mutex) {
  const notes: string[] = [];
  const begin = (key: string, name: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const outcome = mutex.run(key, async () => {
      notes.push(`${name} begins`);
      try {
        return await promise;
      } finally {
        notes.push(`${name} ends`);
      }
    });
    return { outcome, end: () => resolve(name), fail: () => reject(new Error(name)) };
  };
  return { notes, begin };
}

const heard = () => new Promise((resolve) => setImmediate(resolve));

it('tasks of one key run one after the other, in the order in which they came', async () => {
  const { notes, begin } = tasks(new Mutex());
  const all = ['1', '2', '3'].map((name) => begin('key', name));
  await heard();
  expect(notes).toEqual(['1 begins']);
  for (const { end } of all.toReversed()) end();
  expect(await Promise.all(all.map(({ outcome }) => outcome))).toEqual(['1', '2', '3']);
  expect(notes).toEqual(['1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends']);
});

it('tasks of different keys do not wait for each other', async () => {
  const { notes, begin } = tasks(new Mutex());
  const [one, other] = [begin('one', '1'), begin('other', '2')];
  await heard();
  expect(notes).toEqual(['1 begins', '2 begins']);
  other.end();
  expect(await other.outcome).toBe('2');
  one.end();
  await one.outcome;
});

it('a task that fails is its own caller’s; the next one runs all the same', async () => {
  const { begin } = tasks(new Mutex());
  const [one, next] = [begin('key', '1'), begin('key', '2')];
  one.fail();
  next.end();
  await expect(one.outcome).rejects.toThrow('1');
  expect(await next.outcome).toBe('2');
});

it('a task that comes when all have ended begins at once', async () => {
  const { notes, begin } = tasks(new Mutex());
  const one = begin('key', '1');
  one.end();
  await one.outcome;
  await heard();
  const next = begin('key', '2');
  await heard();
  expect(notes).toEqual(['1 begins', '1 ends', '2 begins']);
  next.end();
  await next.outcome;
});
