import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { dividedConfig, workersOf } from '../../../../src/app/processes/divide.ts';
import type { Config } from '../../../../src/config/config.ts';
import { loadConfig } from '../../../../src/config/load.ts';

const configOf = (flags: Parameters<typeof loadConfig>[0]['flags'] = {}): Config =>
  loadConfig({ file: undefined, flags: { upstream: 'https://index.example/simple/', ...flags } });

it('as many processes answer as are configured, or as there are cores', () => {
  expect(workersOf(configOf())).toBe(1);
  expect(workersOf(configOf({ workers: '3' }))).toBe(3);
  expect(workersOf(configOf({ workers: 'auto' }))).toBe(availableParallelism());
});

it('together they have what was configured, and each has one of everything', () => {
  const whole = configOf();
  const part = dividedConfig(whole, 3);
  for (const [all, each] of [
    [whole.server.maxConnections, part.server.maxConnections],
    [whole.cache.memoryBytes, part.cache.memoryBytes],
    [whole.limits.fills, part.limits.fills],
    [whole.limits.upstreamConnections, part.limits.upstreamConnections],
  ] as const) {
    expect(each * 3).toBeLessThanOrEqual(all);
    expect(each * 3).toBeGreaterThan(all - 3);
  }
  const none = dividedConfig(whole, 1_000_000_000_000);
  expect([none.server.maxConnections, none.limits.fills, none.limits.upstreamConnections]).toEqual([1, 1, 1]);
});

it('what they share is not divided', () => {
  const whole = configOf();
  const { server, cache, limits, ...rest } = dividedConfig(whole, 2);
  const { server: _, cache: before, limits: __, ...same } = whole;
  expect(rest).toEqual(same);
  expect({ ...cache, memoryBytes: before.memoryBytes }).toEqual(before);
  expect(server.port).toBe(whole.server.port);
  expect(Object.keys(limits).sort()).toEqual(Object.keys(whole.limits).sort());
});
