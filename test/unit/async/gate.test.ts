import { describe, expect, it } from 'vitest';
import { internalCaller, withSignal } from '../../../src/async/caller.ts';
import { createGate, enterIfFree, withPlace } from '../../../src/async/gate.ts';
import { createUpstreamShares } from '../../../src/async/shares.ts';
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

it('files that take all their places leave those of documents free', async () => {
  const { documents, downloads } = createUpstreamShares({ connections: 4, queue: 10 });
  const files = [1, 2, 3, 4].map(() => downloads.enter(client()));
  const leave = await documents.enter(client());
  expect([documents.usage.busy, downloads.usage]).toEqual([1, { busy: 3, waiting: 1 }]);
  leave();
  for (const file of files) (await file)();
});
