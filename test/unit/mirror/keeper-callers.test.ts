import { describe, expect, it } from 'vitest';
import { noEvents } from '../../../src/app/no-events.ts';
import { createBackground } from '../../../src/async/background.ts';
import { type Caller, internalCaller } from '../../../src/async/caller.ts';
import { createReports } from '../../../src/mirror/projects/reports.ts';
import { FlooredClock } from '../../../src/mirror/tuf/clock-floor.ts';
import { Keeper } from '../../../src/mirror/tuf/keeper.ts';
import type { MetadataFor } from '../../../src/ports/upstream.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { createSimulator } from '../../support/simulator.ts';

// For whom a refresh reads: a job's goes in the background until a client waits for it.

const all = (priority: string) => ({ root: priority, timestamp: priority, snapshot: priority, targets: priority });
const JOB = internalCaller('main', 'sync');

/** A keeper whose reads of the timestamp wait until the test lets them go. */
async function start() {
  const simulator = createSimulator();
  const { clock } = simulator;
  const callers = new Map<string, Caller>();
  const asked = new Map<string, string>();
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const source: MetadataFor = (caller) => ({
    async read(request) {
      callers.set(request.role, caller);
      asked.set(request.role, caller.priority);
      if (request.role === 'timestamp') {
        begun.resolve();
        await gate.promise;
      }
      caller.signal.throwIfAborted();
      return simulator.source.read(request);
    },
  });
  const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
  const keeper = await Keeper.open({
    index: 'main',
    pinnedRoot: simulator.rootBytes(1),
    store: state.trust,
    source,
    clock: new FlooredClock(clock, 0),
    runner: runToEnd,
    reports: createReports({ index: 'main', emit: noEvents, journal: { note() {} }, clock }),
    background: createBackground(),
    refreshAfter: 60,
  });
  const priority = () => callers.get('timestamp')?.priority;
  return { keeper, asked, clock, callers, begun: begun.promise, release: gate.resolve, priority };
}

describe('a refresh', () => {
  it('that a job asks for is read in the background, from its first read to its last', async () => {
    const { keeper, release, asked } = await start();
    release();
    await keeper.refresh(JOB);
    expect(Object.fromEntries(asked)).toEqual(all('background'));
  });

  it('that a client waits for is read as a client’s', async () => {
    const { keeper, release, asked } = await start();
    release();
    await keeper.generation(client());
    expect(Object.fromEntries(asked)).toEqual(all('client'));
  });

  it('of a job is raised by the client that needs it, while it is under way', async () => {
    const { keeper, callers, begun, release, priority } = await start();
    const job = keeper.refresh(JOB);
    await begun;
    expect(priority()).toBe('background');
    let raised = 0;
    callers.get('timestamp')?.onChange?.(() => raised++);
    const waiting = keeper.underCurrent(async (generation) => generation, client());
    expect([priority(), raised]).toEqual(['client', 1]);
    release();
    expect(await waiting).toBe(await job);
  });

  it('goes on when the client that began it has left, in the background again, and is there for the next one', async () => {
    const { keeper, begun, release, priority } = await start();
    const { caller, leave } = leavingClient();
    const left = keeper.generation(caller);
    await begun;
    leave();
    await expect(left).rejects.toThrow('left');
    expect(priority()).toBe('background');
    const next = keeper.generation(client());
    release();
    expect((await next).timestamp.signed.version).toBe(1);
    expect(keeper.lastError).toBeUndefined();
  });

  it('that is due behind an answer is nobody’s but the mirror’s', async () => {
    const { keeper, clock, release, asked } = await start();
    release();
    await keeper.generation(client());
    clock.advance(61);
    expect(keeper.warm()).toBeDefined();
    await keeper.refresh(JOB);
    expect(asked.get('timestamp')).toBe('background');
  });
});
