import { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Dispatcher, LATE_MS, type Seat } from '../../../../src/app/processes/dispatcher.ts';

const MOST = 3;

interface Taker extends Seat {
  open: number;
  readonly given: { readonly id: number; readonly connection: Socket }[];
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
  vi.useRealTimers();
});

function createDispatcher(): Dispatcher {
  const dispatcher = new Dispatcher(MOST);
  closers.push(() => dispatcher.close());
  return dispatcher;
}

function createTaker(open = 0): Taker {
  const given: Taker['given'] = [];
  return { open, given, give: (id, _, connection) => void given.push({ id, connection }) };
}

/** One that no client is behind. */
function connection(): Socket {
  const socket = new Socket();
  closers.push(() => socket.destroy());
  return socket;
}

/** It says that it has what it was given. */
function takes(dispatcher: Dispatcher, taker: Taker): void {
  for (const { id } of taker.given.splice(0)) {
    taker.open++;
    dispatcher.answered(id, true);
  }
}

/** What a timer left to the next turn has happened. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('connections', () => {
  it('go to the worker that has fewest, and of equals to whoever was given none for longest', () => {
    const dispatcher = createDispatcher();
    const [one, other] = [createTaker(), createTaker(2)];
    for (const taker of [one, other]) dispatcher.add(taker);
    const offered: string[] = [];
    for (let at = 0; at < 4; at++) {
      dispatcher.offer(connection());
      offered.push(one.given.length > 0 ? 'one' : 'other');
      for (const taker of [one, other]) takes(dispatcher, taker);
    }
    // One has none, then one, then both have two, and three.
    expect(offered).toEqual(['one', 'one', 'other', 'one']);
    expect([one.open, other.open]).toEqual([3, 3]);
  });

  it('are kept here until the worker says that it has them, and then closed here alone', () => {
    const dispatcher = createDispatcher();
    const taker = createTaker();
    dispatcher.add(taker);
    const offered = connection();
    dispatcher.offer(offered);
    expect([offered.destroyed, dispatcher.counts.waiting]).toEqual([false, 1]);
    takes(dispatcher, taker);
    expect([offered.destroyed, dispatcher.counts.waiting]).toEqual([true, 0]);
    // Said twice, it is nobody's business.
    dispatcher.answered(1, true);
    expect(dispatcher.counts.waiting).toBe(0);
  });

  it('are two at once for a worker that has not answered; others wait for it, and too many are refused', () => {
    const dispatcher = createDispatcher();
    const taker = createTaker();
    dispatcher.add(taker);
    const offered = Array.from({ length: 2 + MOST + 1 }, connection);
    for (const each of offered) dispatcher.offer(each);
    expect(taker.given).toHaveLength(2);
    expect(dispatcher.counts).toEqual({ waiting: 2 + MOST, refused: 1 });
    expect(offered.map(({ destroyed }) => destroyed)).toEqual([false, false, false, false, false, true]);
    takes(dispatcher, taker);
    expect(taker.given).toHaveLength(2);
  });

  it('wait for a worker where there is none', () => {
    const dispatcher = createDispatcher();
    const offered = connection();
    dispatcher.offer(offered);
    expect(dispatcher.counts.waiting).toBe(1);
    const taker = createTaker();
    dispatcher.add(taker);
    expect(taker.given.map((each) => each.connection)).toEqual([offered]);
  });

  it('of a worker that leaves, or does not want them, are given to another', () => {
    const dispatcher = createDispatcher();
    const [one, other] = [createTaker(), createTaker(5)];
    dispatcher.add(one);
    const [first, second] = [connection(), connection()];
    for (const each of [first, second]) dispatcher.offer(each);
    dispatcher.add(other);
    const [refused] = one.given;
    one.open = 9;
    dispatcher.answered(refused?.id ?? 0, false);
    expect(other.given.map((each) => each.connection)).toEqual([first]);
    dispatcher.remove(one);
    expect(other.given.map((each) => each.connection)).toEqual([first, second]);
  });

  it('of a worker that stands still are given to another, and it is given no more until it answers', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'hrtime'] });
    const dispatcher = createDispatcher();
    const [still, other] = [createTaker(), createTaker(5)];
    dispatcher.add(still);
    const [first, second] = [connection(), connection()];
    for (const each of [first, second]) dispatcher.offer(each);
    dispatcher.add(other);
    vi.advanceTimersByTime(2 * LATE_MS - 1000);
    await nextTurn();
    expect(other.given).toHaveLength(0);
    vi.advanceTimersByTime(2000);
    await nextTurn();
    expect(other.given.map((each) => each.connection)).toEqual([first, second]);
    takes(dispatcher, other);
    dispatcher.offer(connection());
    expect([still.given.length, other.given.length]).toEqual([2, 1]);
    // It wakes and leaves both to others: they are somebody else's by now.
    for (const { id } of still.given.splice(0)) dispatcher.answered(id, false);
    expect(dispatcher.counts.waiting).toBe(1);
    dispatcher.offer(connection());
    expect(still.given).toHaveLength(1);
  });

  it('are ended with the server', () => {
    const dispatcher = createDispatcher();
    const offered = Array.from({ length: 3 }, connection);
    const taker = createTaker();
    dispatcher.add(taker);
    for (const each of offered) dispatcher.offer(each);
    dispatcher.close();
    expect(offered.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
    expect(dispatcher.counts.waiting).toBe(0);
  });
});
