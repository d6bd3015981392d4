import { expect, it } from 'vitest';
import { Turns } from '../../../src/async/turns.ts';

/** Takes steps without end, each as soon as it may, and tells of which turn of the event loop each was. */
async function stepsOf(turns: Turns, who: string, count: number, told: string[]): Promise<void> {
  for (let step = 0; step < count; step++) {
    await turns.next();
    told.push(who);
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What `work` tells in each turn; looked at before a turn's own steps. */
async function byTurn(told: readonly string[], work: () => Promise<unknown>): Promise<readonly string[]> {
  let looked = turn();
  let isDone = false;
  work().then(() => {
    isDone = true;
  });
  const turns: string[] = [];
  for (let at = 0; !isDone; at = told.length) {
    await looked;
    looked = turn();
    turns.push(told.slice(at).join(''));
  }
  return turns.filter((each) => each !== '');
}

it('so many steps are taken in a turn, and those who wait have theirs in the order in which they came', async () => {
  const turns = new Turns(2);
  const told: string[] = [];
  const all = () => Promise.all(['a', 'b', 'c', 'd', 'e'].map((who) => stepsOf(turns, who, 2, told)));
  expect(await byTurn(told, all)).toEqual(['ab', 'cd', 'ea', 'bc', 'de']);
});

it('one that is alone waits only for its own', async () => {
  const turns = new Turns(3);
  expect([turns.next(), turns.next(), turns.next()]).toEqual([undefined, undefined, undefined]);
  const fourth = turns.next();
  expect(fourth).toBeInstanceOf(Promise);
  await fourth;
});

it('a turn later all steps are there again', async () => {
  const turns = new Turns(1);
  for (let round = 0; round < 3; round++) {
    expect(turns.next()).toBeUndefined();
    await turn();
  }
});
