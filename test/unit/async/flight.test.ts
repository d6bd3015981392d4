import { describe, expect, it } from 'vitest';
import { type Caller, internalCaller } from '../../../src/async/caller.ts';
import { createFlights } from '../../../src/async/flight.ts';
import { createGate } from '../../../src/async/gate.ts';
import { client, leavingClient } from '../../support/callers.ts';

const job = internalCaller('main', 'refresh');

/** Work that ends when the test says so, and who it was done for. */
function work() {
  const outcome = Promise.withResolvers<string>();
  const callers: Caller[] = [];
  const run = (caller: Caller) => {
    callers.push(caller);
    return outcome.promise;
  };
  return { ...outcome, callers, run };
}

describe('work that several ask for', () => {
  it('is done once, and all have what comes of it', async () => {
    const flights = createFlights<string>();
    const one = work();
    const asked = [1, 2, 3].map(() => flights.join('page', client(), one.run));
    expect([one.callers.length, flights.size]).toEqual([1, 1]);
    one.resolve('bytes');
    expect(await Promise.all(asked)).toEqual(['bytes', 'bytes', 'bytes']);
  });

  it('of another key is other work', async () => {
    const flights = createFlights<string>();
    const [one, other] = [work(), work()];
    const asked = [flights.join('one', client(), one.run), flights.join('other', client(), other.run)];
    one.resolve('1');
    other.resolve('2');
    expect(await Promise.all(asked)).toEqual(['1', '2']);
  });

  it('fails for all of them', async () => {
    const flights = createFlights<string>();
    const one = work();
    const asked = [1, 2].map(() => flights.join('page', client(), one.run));
    one.reject(new Error('away'));
    for (const each of asked) await expect(each).rejects.toThrow('away');
  });

  it('fails also where it throws at once', async () => {
    const flights = createFlights<string>();
    const thrown = flights.join('page', client(), () => {
      throw new Error('at once');
    });
    await expect(thrown).rejects.toThrow('at once');
    expect(flights.size).toBe(0);
  });

  it('is forgotten with its outcome: whoever hears of it may begin anew', async () => {
    const flights = createFlights<string>();
    const outcomes: string[] = [];
    for (const outcome of ['1', '2']) outcomes.push(await flights.join('page', client(), async () => outcome));
    expect(outcomes).toEqual(['1', '2']);
    await expect(flights.join('page', client(), () => Promise.reject(new Error('away')))).rejects.toThrow();
    expect(flights.joinUnderway('page', client())).toBeUndefined();
  });

  it('can be joined only while it is under way', async () => {
    const flights = createFlights<string>();
    expect(flights.joinUnderway('page', client())).toBeUndefined();
    const one = work();
    const first = flights.join('page', client(), one.run);
    const second = flights.joinUnderway('page', client());
    one.resolve('bytes');
    expect([await first, await second]).toEqual(['bytes', 'bytes']);
  });
});

describe('who leaves work that is shared', () => {
  it('is told so at once; the others have what comes of it', async () => {
    const flights = createFlights<string>();
    const one = work();
    const { caller, leave } = leavingClient();
    const [first, second] = [flights.join('page', caller, one.run), flights.join('page', client(), one.run)];
    leave();
    await expect(first).rejects.toThrow('left');
    expect(one.callers[0]?.signal.aborted).toBe(false);
    one.resolve('bytes');
    expect(await second).toBe('bytes');
  });

  it('as the last one ends it, and the next one begins anew at once', async () => {
    const flights = createFlights<string>();
    const [abandoned, fresh] = [work(), work()];
    const leaving = [leavingClient(), leavingClient()];
    const asked = leaving.map(({ caller }) => flights.join('page', caller, abandoned.run));
    for (const { leave } of leaving) leave();
    expect(abandoned.callers[0]?.signal.reason).toEqual(new Error('left'));
    const next = flights.join('page', client(), fresh.run);
    // What was abandoned ends late and badly: nobody hears of it, and it takes nothing of the other with it.
    abandoned.reject(new Error('aborted'));
    for (const each of asked) await expect(each).rejects.toThrow('left');
    expect(flights.size).toBe(1);
    fresh.resolve('bytes');
    expect(await next).toBe('bytes');
  });

  it('before it was asked for has nothing done', async () => {
    const flights = createFlights<string>();
    const one = work();
    const { caller, leave } = leavingClient();
    leave();
    await expect(flights.join('page', caller, one.run)).rejects.toThrow('left');
    expect([one.callers.length, flights.size]).toEqual([0, 0]);
    const other = flights.join('page', client(), one.run);
    await expect(flights.join('page', caller, one.run)).rejects.toThrow('left');
    await expect(flights.joinUnderway('page', caller)).rejects.toThrow('left');
    expect(one.callers[0]?.signal.aborted).toBe(false);
    one.resolve('bytes');
    await other;
  });

  it('after it has ended changes nothing, and nothing listens to its signal any more', async () => {
    const flights = createFlights<string>();
    const { caller, leave } = leavingClient();
    const one = work();
    const asked = flights.join('page', caller, one.run);
    one.resolve('bytes');
    expect(await asked).toBe('bytes');
    leave();
    expect(one.callers[0]?.signal.aborted).toBe(false);
  });
});

describe('the caller that shared work is done for', () => {
  it('has the index, party and connection of the first who asked', () => {
    const connection = {};
    const one = work();
    createFlights<string>().join('page', client({ index: 'team', party: '192.0.2.7', connection }), one.run);
    expect(one.callers[0]).toMatchObject({ index: 'team', party: '192.0.2.7' });
    expect(one.callers[0]?.connection).toBe(connection);
  });

  it('has those of the next client when the first has left: what the work holds is counted for that one', async () => {
    const flights = createFlights<string>();
    const gate = createGate({ places: 2, queue: 10, full: 'Too many.', shares: { party: 1 } });
    const one = work();
    const inside = async (all: Caller) => {
      await gate.enter(all);
      return one.run(all);
    };
    const { caller, leave } = leavingClient({ party: '192.0.2.1' });
    const first = flights.join('page', caller, inside);
    const second = flights.join('page', client({ party: '192.0.2.2' }), inside);
    const free = await gate.enter(client({ party: '198.51.100.1' }));
    leave();
    await expect(first).rejects.toThrow('left');
    expect(one.callers[0]?.party).toBe('192.0.2.2');
    const order: string[] = [];
    const enter = (party: string) => gate.enter(client({ party })).then(() => order.push(party));
    void enter('192.0.2.2');
    const next = enter('192.0.2.1');
    free();
    await next;
    expect(order).toEqual(['192.0.2.1']);
    one.resolve('bytes');
    expect(await second).toBe('bytes');
  });

  it('is a client while one client waits', async () => {
    const flights = createFlights<string>();
    const one = work();
    flights.join('page', job, one.run);
    expect(one.callers[0]?.priority).toBe('background');
    const { caller, leave } = leavingClient();
    const joined = flights.join('page', caller, one.run);
    expect(one.callers[0]?.priority).toBe('client');
    leave();
    await expect(joined).rejects.toThrow('left');
    expect(one.callers[0]?.priority).toBe('background');
  });

  it('says when its priority rises, also where it is told by a caller of that kind', () => {
    const [outer, inner] = [createFlights<string>(), createFlights<string>()];
    const [above, below] = [work(), work()];
    outer.join('file', job, (caller) => inner.join('bytes', caller, below.run));
    let raised = 0;
    const unwatch = below.callers[0]?.onChange?.(() => raised++);
    outer.join('file', job, above.run);
    expect([below.callers[0]?.priority, raised]).toEqual(['background', 0]);
    outer.join('file', client(), above.run);
    expect([below.callers[0]?.priority, raised]).toEqual(['client', 1]);
    outer.join('file', client(), above.run);
    expect(raised).toBe(1);
    unwatch?.();
  });

  it('gives its place back where all who wait for it do, and not for one of them alone', async () => {
    const ahead = () => {
      const { caller, leave } = leavingClient({ priority: 'background' });
      const giveWay = () => {
        if (caller.signal.aborted) return false;
        leave();
        return true;
      };
      return { ...caller, giveWay };
    };
    const flights = createFlights<string>();
    const [alone, both, kept] = [work(), work(), work()];
    const left = [
      flights.join('alone', ahead(), alone.run),
      ...[1, 2].map(() => flights.join('both', ahead(), both.run)),
    ];
    const stays = flights.join('kept', job, kept.run);
    const stayed = flights.join('kept', ahead(), kept.run);
    expect([alone, both, kept].map(({ callers }) => callers[0]?.giveWay?.())).toEqual([true, true, false]);
    expect([alone, both, kept].map(({ callers }) => callers[0]?.signal.aborted)).toEqual([true, true, false]);
    for (const each of left) await expect(each).rejects.toThrow('left');
    expect(alone.callers[0]?.giveWay?.()).toBe(false);
    kept.resolve('bytes');
    expect(await Promise.all([stays, stayed])).toEqual(['bytes', 'bytes']);
  });

  it('moves up at a gate when a client joins', async () => {
    const flights = createFlights<string>();
    const gate = createGate({ places: 1, queue: 10, full: 'Too many.' });
    const leave = await gate.enter(client());
    const order: string[] = [];
    const behind = (name: string) => async (caller: Caller) => {
      const out = await gate.enter(caller);
      order.push(name);
      out();
      return name;
    };
    const jobs = ['1', '2'].map((name) => flights.join(name, job, behind(name)));
    const joined = flights.join('2', client(), behind('2'));
    leave();
    await Promise.all([...jobs, joined]);
    expect(order).toEqual(['2', '1']);
  });
});
