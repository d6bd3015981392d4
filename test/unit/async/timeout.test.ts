import { getEventListeners, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBackground } from '../../../src/async/background.ts';
import { deadline, timeLimit, unlessAborted, within } from '../../../src/async/timeout.ts';
import { busyFor } from '../../support/busy.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** What is due is judged after a turn of the event loop. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const listeners = (...signals: readonly AbortSignal[]) =>
  signals.map((signal) => getEventListeners(signal, 'abort').length);

describe('a deadline', () => {
  it('aborts with what it says when the time is up, and leaves nothing behind', async () => {
    const source = new AbortController();
    const { signal } = deadline(1000, () => new Error('late'), source.signal);
    vi.advanceTimersByTime(999);
    await turn();
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    await turn();
    expect(signal.reason).toEqual(new Error('late'));
    expect([listeners(source.signal), vi.getTimerCount()]).toEqual([[0], 0]);
  });

  it('aborts with the first of its signals, whose reason stays', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const { signal } = deadline(1000, () => new Error('late'), one.signal, other.signal);
    other.abort(new Error('left'));
    one.abort(new Error('stopping'));
    vi.advanceTimersByTime(1000);
    expect(signal.reason).toEqual(new Error('left'));
    expect([listeners(one.signal, other.signal), vi.getTimerCount()]).toEqual([[0, 0], 0]);
  });

  it('of signals that have aborted already has aborted', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    other.abort(new Error('left'));
    const { signal } = deadline(1000, () => new Error('late'), one.signal, other.signal);
    expect(signal.reason).toEqual(new Error('left'));
    expect([listeners(one.signal, other.signal), vi.getTimerCount()]).toEqual([[0, 0], 0]);
  });

  it('that was cleared never aborts, and leaves nothing behind', () => {
    const source = new AbortController();
    const { signal, clear } = deadline(1000, () => new Error('late'), source.signal);
    clear();
    expect([listeners(source.signal), vi.getTimerCount()]).toEqual([[0], 0]);
    source.abort();
    expect(signal.aborted).toBe(false);
  });
});

describe('work that somebody waits for only so long', () => {
  it('is what comes, where it comes in time', async () => {
    expect(await within(1000, Promise.resolve('work'), 'otherwise')).toBe('work');
    await expect(within(1000, Promise.reject(new Error('failed')), 'otherwise')).rejects.toThrow('failed');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is something else where it takes longer, and goes on', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const waiting = within(1000, promise, 'otherwise');
    vi.advanceTimersByTime(1000);
    expect(await waiting).toBe('otherwise');
    resolve('work');
    expect(await promise).toBe('work');
  });
});

describe('a time limit that is over while the event loop was busy', () => {
  it('lets what came meanwhile come first', async () => {
    vi.useRealTimers();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [[other]] = await Promise.all([accepted, once(socket, 'connect')]);
    const came = once(socket, 'data').then(([bytes]) => String(bytes));
    other.write('work');
    const waiting = within(50, came, 'otherwise');
    const { signal, clear } = deadline(50, () => new Error('late'));
    void came.then(clear);
    busyFor(100);
    expect(await waiting).toBe('work');
    expect(signal.aborted).toBe(false);
    socket.destroy();
    other.destroy();
    server.close();
  });

  it('that was called off in that turn is over', async () => {
    const calls: string[] = [];
    const callOff = timeLimit(1000, () => calls.push('late'));
    vi.advanceTimersByTime(1000);
    callOff();
    await turn();
    expect(calls).toEqual([]);
  });
});

describe('work that somebody waits for unless a signal aborts', () => {
  it('is what comes, and nothing listens any more', async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(Promise.resolve('work'), signal)).toBe('work');
    await expect(unlessAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
    expect(listeners(signal)).toEqual([0]);
  });

  it('is the signal’s reason where that comes first; what fails then is nobody’s', async () => {
    const { promise, reject } = Promise.withResolvers<string>();
    const leaving = new AbortController();
    const waiting = unlessAborted(promise, leaving.signal);
    leaving.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    await expect(unlessAborted(promise, leaving.signal)).rejects.toThrow('left');
    reject(new Error('failed'));
    expect(listeners(leaving.signal)).toEqual([0]);
  });
});

describe('work in the background', () => {
  it('has settled when all of it has ended, well or badly', async () => {
    const background = createBackground();
    const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    background.add(one.promise);
    background.add(other.promise);
    const notes: string[] = [];
    const settled = background.settled().then(() => notes.push('settled'));
    one.resolve();
    await Promise.resolve();
    expect(notes).toEqual([]);
    other.reject(new Error('failed'));
    await settled;
    await background.settled();
  });

  it('is given up when it has had its time', async () => {
    const background = createBackground(1000);
    background.add(new Promise(() => undefined));
    const settled = background.settled();
    await vi.advanceTimersByTimeAsync(1000);
    await settled;
  });
});
