import { describe, expect, it } from 'vitest';
import { noEvents } from '../../../src/app/no-events.ts';
import { createBackground } from '../../../src/async/background.ts';
import { type Reason, Refusal } from '../../../src/bytes/refusal.ts';
import { createReports } from '../../../src/mirror/projects/reports.ts';
import { FlooredClock } from '../../../src/mirror/tuf/clock-floor.ts';
import { Keeper } from '../../../src/mirror/tuf/keeper.ts';
import { carryOver, proofOf } from '../../../src/mirror/tuf/proof.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';
import { client } from '../../support/callers.ts';
import { HOUR, START } from '../../support/clock.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { createSimulator, type Simulator } from '../../support/simulator.ts';

interface Started {
  readonly simulator?: Simulator;
  /** Where keepers share what they believe. */
  readonly state?: ReturnType<typeof createMemoryState>;
  readonly offline?: boolean;
  readonly notBefore?: number;
}

async function start({ simulator = createSimulator(), state = createMemoryState(), ...given }: Started = {}) {
  const { clock } = simulator;
  const { offline = false, notBefore = 0 } = given;
  const background = createBackground();
  const keeper = await Keeper.open({
    index: 'main',
    pinnedRoot: simulator.rootBytes(1),
    store: createIndexState({ storage: state.party(), index: 'main' }).trust,
    source: () => simulator.source,
    clock: new FlooredClock(clock, notBefore),
    runner: runToEnd,
    reports: createReports({ index: 'main', emit: noEvents, journal: { note() {} }, clock }),
    background,
    offline,
    refreshAfter: 60,
  });
  return { keeper, simulator, clock, state, background };
}

const versionOf = (keeper: Keeper) => keeper.current?.timestamp.signed.version;
const nothing = async () => undefined;

describe('a keeper without upstream', () => {
  it('refuses what has expired, and asks for nothing, where it is told to ask nobody', async () => {
    const { simulator, state, keeper: first } = await start();
    await first.refresh(client());
    const { keeper, clock, background } = await start({ simulator, state, offline: true });
    simulator.reads.length = 0;
    clock.advance(HOUR);
    expect(keeper.warm()).toBeDefined();
    await background.settled();
    expect(simulator.reads).toEqual([]);
    clock.advance(100 * 365 * 24 * HOUR);
    await expect(keeper.generation(client())).rejects.toMatchObject({ reason: 'expired' });
    expect(simulator.reads).toEqual([]);
  });

  it('has no newest generation where there never was one', async () => {
    const { keeper, simulator } = await start();
    simulator.cut();
    await expect(keeper.newest(client())).rejects.toThrow('asked the network');
  });
});

it('a time that has passed already is none to judge a refresh from another source by', async () => {
  const { keeper, simulator } = await start({ notBefore: START });
  await expect(keeper.refreshFrom(simulator.source, nothing, START - HOUR)).rejects.toMatchObject({ reason: 'clock' });
  await keeper.refreshFrom(simulator.source, nothing, START);
  expect(versionOf(keeper)).toBe(1);
});

describe('what is done under the generation that is believed', () => {
  it.each<[Reason, number]>([
    ['unreachable', 1],
    ['digest', 2],
  ])('is done again under the next one where upstream has moved on: %s', async (reason, times) => {
    const { keeper, simulator } = await start();
    await keeper.refresh(client());
    simulator.repository.publish();
    const error = new Refusal(reason, 'It failed.');
    const seen: number[] = [];
    const done = keeper.underCurrent(async ({ timestamp }) => {
      seen.push(timestamp.signed.version);
      throw error;
    }, client());
    await expect(done).rejects.toBe(error);
    expect(seen).toEqual([1, 2].slice(0, times));
  });
});

describe('a refresh from another source', () => {
  it('is refused by a clock that is wrong, before anything is read', async () => {
    const { keeper, simulator } = await start({ notBefore: START + HOUR });
    simulator.reads.length = 0;
    await expect(keeper.refreshFrom(simulator.source, nothing)).rejects.toMatchObject({ reason: 'clock' });
    expect(simulator.reads).toEqual([]);
  });

  it('is looked into again where this process published something newer meanwhile', async () => {
    const { keeper, simulator } = await start();
    await keeper.refresh(client());
    simulator.repository.publish();
    const seen: number[] = [];
    await keeper.refreshFrom(simulator.source, async ({ timestamp }) => {
      if (seen.push(timestamp.signed.version) > 1) return;
      simulator.repository.publish();
      await keeper.refresh(client());
    });
    expect([seen, versionOf(keeper)]).toEqual([[2, 3], 3]);
  });

  it('is looked into again where another process published something newer meanwhile', async () => {
    const { keeper, simulator, state } = await start();
    await keeper.refresh(client());
    const { keeper: other } = await start({ simulator, state });
    simulator.repository.publish();
    const seen: number[] = [];
    await keeper.refreshFrom(simulator.source, async ({ timestamp }) => {
      if (seen.push(timestamp.signed.version) > 1) return;
      simulator.repository.publish();
      await other.refresh(client());
    });
    expect([seen, versionOf(keeper)]).toEqual([[2, 3], 3]);
  });

  it('is refused where others go ahead each time', async () => {
    const { keeper, simulator } = await start();
    await keeper.refresh(client());
    const refreshed = keeper.refreshFrom(simulator.source, async () => {
      simulator.repository.publish();
      await keeper.refresh(client());
    });
    await expect(refreshed).rejects.toMatchObject({ reason: 'mix-and-match', transient: true });
  });
});

it('a belief outlives no generation that says nothing of a role it rests on', async () => {
  const { keeper } = await start();
  const generation = await keeper.refresh(client());
  const proof = proofOf(generation, [], undefined);
  expect(carryOver(proof, generation)).toEqual(proof);
  const said = generation.snapshot.signed.meta.get('targets.json');
  for (const roles of [new Map([['gone.json', said]]), new Map([['gone.json', undefined]])])
    expect(carryOver({ ...proof, roles }, generation)).toBeUndefined();
  expect(carryOver({ ...proof, roles: new Map([['targets.json', undefined]]) }, generation)).toBeUndefined();
});
