import { describe, expect, it } from 'vitest';
import { type Caller, internalCaller, type Priority, withSignal } from '../../../src/async/caller.ts';
import { type Crowding, createGate, enterIfFree, type Gate, withPlace } from '../../../src/async/gate.ts';
import { createShares, createUpstreamShares } from '../../../src/async/shares.ts';
import { client, leavingClient } from '../../support/callers.ts';

const gateOf = (places: number, queue = 10) => createGate({ places, queue, full: 'Too many.' });

it('what is no number of places is an error of ours', () => {
  for (const cost of [0, -1, 0.5, Number.NaN]) expect(() => gateOf(1).enter(client(), cost)).toThrow(RangeError);
});

describe('a place for a task', () => {
  it('is given back when the task has ended, well or badly', async () => {
    const gate = gateOf(1);
    expect(await withPlace(gate, client(), async () => gate.usage.busy)).toBe(1);
    await expect(withPlace(gate, client(), () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(gate.usage.busy).toBe(0);
  });
});

describe('a place that nobody waits for', () => {
  it('is taken where there is one', async () => {
    const gate = gateOf(1);
    const leave = await enterIfFree(gate, client());
    expect(gate.usage.busy).toBe(1);
    leave?.();
    expect(gate.usage.busy).toBe(0);
  });

  it('is not waited for', async () => {
    const gate = gateOf(1);
    const leave = await gate.enter(client());
    expect(await enterIfFree(gate, client())).toBeUndefined();
    expect(gate.usage).toEqual({ busy: 1, waiting: 0 });
    leave();
  });

  it('is left to those who wait', async () => {
    const gate = gateOf(2);
    const leave = await gate.enter(client());
    const large = leavingClient();
    const waiting = gate.enter(large.caller, 2);
    expect(await enterIfFree(gate, client())).toBeUndefined();
    large.leave();
    await expect(waiting).rejects.toThrow('left');
    leave();
  });
});

describe('a gate says', () => {
  it('how it stands, and whom it refused', async () => {
    const gate = gateOf(1, 1);
    expect(gate.report()).toEqual({ places: 1, busy: 0, waiting: 0, longestWait: 0, refused: new Map() });
    const leave = await gate.enter(client());
    const waiting = gate.enter(client({ party: '192.0.2.2' }));
    await expect(gate.enter(client({ index: 'team', party: '192.0.2.2' }))).rejects.toThrow('Too many.');
    await expect(gate.enter(client({ index: 'team', party: '192.0.2.2' }))).rejects.toThrow('Too many.');
    expect(gate.report()).toMatchObject({ busy: 1, waiting: 1, refused: new Map([['team', 2]]) });
    expect(gate.report().longestWait).toBeGreaterThan(0);
    leave();
    (await waiting)();
    expect(gate.report()).toMatchObject({ busy: 0, waiting: 0, longestWait: 0 });
  });

  it('once that it is full, and who has most of it; once that there is room again', async () => {
    const told: Crowding[] = [];
    const onCrowding = (crowding: Crowding) => void told.push(crowding);
    const gate = createGate({ places: 2, queue: 2, full: 'Too many.', onCrowding });
    const crowd = client({ party: '192.0.2.9' });
    const inside = [await gate.enter(client()), await gate.enter(crowd)];
    const waiting = [gate.enter(crowd), gate.enter(crowd)];
    expect(told).toEqual([]);
    for (let n = 0; n < 3; n++) await expect(gate.enter(crowd)).rejects.toThrow('Too many.');
    expect(told).toEqual([{ full: true, largest: { index: 'main', party: '192.0.2.9', busy: 1, waiting: 3 } }]);
    for (const leave of inside) leave();
    for (const leave of await Promise.all(waiting)) leave();
    expect(told.slice(1)).toEqual([{ full: false }]);
  });
});

describe('who holds a place that nobody needs', () => {
  const holder = (over: Partial<Caller> = {}) => {
    const asked: string[] = [];
    let priority: Priority = 'background';
    let look = () => {};
    const caller: Caller = {
      ...client(over),
      get priority() {
        return priority;
      },
      onChange: (watch) => {
        look = watch;
        return () => undefined;
      },
      giveWay: () => asked.push('asked') > 0,
    };
    return {
      caller,
      asked,
      become(next: Priority) {
        priority = next;
        look();
      },
    };
  };

  it('is asked for it when a client has to wait, and not before', async () => {
    const gate = gateOf(2);
    const { caller, asked } = holder();
    await gate.enter(caller);
    await gate.enter(client());
    gate.enter(client({ priority: 'background' }));
    expect(asked).toEqual([]);
    gate.enter(client());
    expect(asked).toEqual(['asked']);
  });

  it('is asked for it when work that waits becomes that of a client', async () => {
    const gate = gateOf(1);
    const { caller, asked } = holder();
    await gate.enter(caller);
    const { caller: later, become } = holder({ party: '192.0.2.9' });
    gate.enter(later);
    expect(asked).toEqual([]);
    become('client');
    expect(asked).toEqual(['asked']);
    become('client');
    expect(asked).toEqual(['asked']);
  });

  it('is asked at once where a client waits already', async () => {
    const gate = gateOf(1);
    const { caller, asked, become } = holder();
    become('client');
    await gate.enter(caller);
    gate.enter(client());
    expect(asked).toEqual([]);
    become('client');
    expect(asked).toEqual([]);
    become('background');
    expect(asked).toEqual(['asked']);
  });

  it('is let alone while somebody needs it', async () => {
    const gate = gateOf(1);
    const { caller, asked, become } = holder();
    become('client');
    await gate.enter(caller);
    gate.enter(client());
    expect(asked).toEqual([]);
  });
});

describe('how many ask', () => {
  /** Turns of a gate where so many connections of one party wait. */
  const turns = async (connections: number) => {
    const gate = gateOf(4, 10_000);
    const inside: (() => void)[] = [];
    for (let n = 0; n < connections; n++)
      void gate.enter(client({ connection: {} })).then((leave) => inside.push(leave));
    await new Promise(setImmediate);
    const started = process.cpuUsage().user;
    for (let turn = 0; turn < 1000; turn++) {
      inside.shift()?.();
      await undefined;
      await undefined;
    }
    return process.cpuUsage().user - started;
  };

  it('makes no turn dearer', async () => {
    const [few, many] = [[await turns(2000)], [await turns(9000)]];
    for (let round = 0; round < 5; round++) {
      few.push(await turns(2000));
      many.push(await turns(9000));
    }
    // One that looks at all who wait takes more than four times as long, in the round that was disturbed least as well.
    expect(Math.min(...many)).toBeLessThan(2.5 * Math.min(...few) + 2000);
  });
});

describe('a caller with another signal', () => {
  it('leaves by that signal, and its priority still rises', () => {
    let priority: 'client' | 'background' = 'background';
    const original = {
      ...internalCaller('team', 'sync'),
      get priority() {
        return priority;
      },
    };
    const leaving = new AbortController();
    const derived = withSignal(original, leaving.signal);
    priority = 'client';
    expect([derived.index, derived.party, derived.priority]).toEqual(['team', 'sync', 'client']);
    expect(derived.signal).toBe(leaving.signal);
  });
});

describe('what is kept', () => {
  const enterAll = async (gate: Gate, count: number, caller: Caller) => {
    for (let n = 0; n < count; n++) void gate.enter(caller);
    await undefined;
    return gate.usage.busy;
  };

  it('of downloads into the cache is a quarter for other indexes, and an eighth for other clients', async () => {
    const { fills } = createShares({}, { indexes: 3 });
    expect(await enterAll(fills, 50, client({ index: 'slow' }))).toBe(20);
    for (let n = 0; n < 20; n++) await enterAll(fills, 1, client({ index: 'slow', party: `198.51.100.${n}` }));
    expect(fills.usage.busy).toBe(24);
    expect(await enterAll(fills, 4, client({ index: 'one' }))).toBe(28);
    expect(await enterAll(fills, 50, client({ index: 'two' }))).toBe(31);
    expect(await enterAll(fills, 50, client({ index: 'two', party: '192.0.2.2' }))).toBe(32);
  });

  it('of them is nothing for other indexes where there is none', async () => {
    expect(await enterAll(createShares().fills, 50, client())).toBe(28);
  });

  it('of large pages is one place for another index', async () => {
    const { pages } = createShares({}, { indexes: 2 });
    expect(await enterAll(pages, 5, client({ index: 'slow' }))).toBe(1);
    expect(await enterAll(pages, 1, client({ index: 'other' }))).toBe(2);
    expect(await enterAll(createShares().pages, 5, client())).toBe(2);
  });
});

it('files that take all their places leave those of documents free', async () => {
  const { documents, downloads } = createUpstreamShares({ connections: 4, queue: 10 });
  const files = [1, 2, 3, 4].map(() => downloads.enter(client()));
  const leave = await documents.enter(client());
  expect([documents.usage.busy, downloads.usage]).toEqual([1, { busy: 3, waiting: 1 }]);
  leave();
  for (const file of files) (await file)();
});
