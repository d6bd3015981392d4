import { expect, it } from 'vitest';
import { createBackground } from '../../../../src/async/background.ts';
import type { Caller } from '../../../../src/async/caller.ts';
import { LookQueue } from '../../../../src/mirror/ahead/look-queue.ts';

function start({ most = 2, isBusy = () => false }: { readonly most?: number; readonly isBusy?: () => boolean } = {}) {
  const queue = new LookQueue({ index: 'main', background: createBackground(), most, isBusy });
  const begun: { readonly caller: Caller; readonly end: () => void }[] = [];
  const look = async (caller: Caller) => {
    const ended = Promise.withResolvers<void>();
    begun.push({ caller, end: ended.resolve });
    await ended.promise;
  };
  return { queue, begun, look };
}

it('no more are under way than may be, and the next begins when one ends', async () => {
  const { queue, begun, look } = start();
  for (let n = 0; n < 3; n++) queue.add(look);
  await expect.poll(() => begun.length, { interval: 1 }).toBe(2);
  begun[0]?.end();
  await expect.poll(() => begun.length, { interval: 1 }).toBe(3);
});

it('none begins while the event loop is busy', async () => {
  let busy = 3;
  const { queue, begun, look } = start({ isBusy: () => busy-- > 0 });
  queue.add(look);
  await expect.poll(() => begun.length, { interval: 1 }).toBe(1);
  expect(busy).toBe(-1);
});

it('each gives way once, and those under way end when all is closed', async () => {
  const { queue, begun, look } = start();
  for (let n = 0; n < 2; n++) queue.add(look);
  await expect.poll(() => begun.length, { interval: 1 }).toBe(2);
  const [one, other] = begun.map(({ caller }) => caller);
  expect([one?.priority, one?.giveWay?.(), one?.giveWay?.(), one?.signal.aborted]).toEqual([
    'background',
    true,
    false,
    true,
  ]);
  queue.close();
  expect([other?.signal.aborted, queue.add(look)]).toEqual([true, false]);
});

it('no more wait than may', () => {
  const { queue, look } = start();
  const taken = Array.from({ length: 1100 }, () => queue.add(look));
  expect(taken.filter(Boolean)).toHaveLength(1000);
});
