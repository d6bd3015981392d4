import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../support/fleet-checker.ts';
import { type SimulationOptions, simulate } from '../../../support/fleet-simulation.ts';

const SEEDS = 10_000;
const FEW = 400;
let removed = 0;

/** The first seed that shows something wrong, and what. */
async function firstFault(seeds: number, options?: SimulationOptions): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      const run = await simulate(seed, options);
      removed += run.removed;
      const faults = faultsOf(run);
      if (faults.length > 0) return `seed ${seed}: ${faults.join('; ')}`;
    } catch (error) {
      return `seed ${seed}: ${error instanceof Error ? error.stack : error}`;
    }
  }
  return undefined;
}

describe('replicas over a store that creates', () => {
  const { stackTraceLimit } = Error;
  // Thousands of errors are thrown and caught.
  beforeAll(() => {
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  it('lower no floor, and have one winner of each version, in any order and with any fault', async () => {
    expect(await firstFault(SEEDS)).toBeUndefined();
    // Or nothing was said about a log that is cut.
    expect(removed).toBeGreaterThan(SEEDS / 4);
  }, 900_000);

  it('are found out where the store lets everybody win', async () => {
    const spoil: SimulationOptions['spoil'] = (sound) => ({
      ...sound,
      async create(key, bytes) {
        sound.objects.set(key, bytes);
        return 'created';
      },
    });
    expect(await firstFault(FEW, { spoil })).toMatch(/^seed \d+: /);
  });

  it('are found out where a loser is told that it won', async () => {
    const spoil: SimulationOptions['spoil'] = (sound) => ({
      ...sound,
      async create(key, bytes) {
        await sound.create(key, bytes);
        return 'created';
      },
    });
    expect(await firstFault(FEW, { spoil })).toMatch(/^seed \d+: /);
  });
});
