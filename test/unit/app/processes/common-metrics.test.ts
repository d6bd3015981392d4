import { describe, expect, it } from 'vitest';
import { CommonMetrics } from '../../../../src/app/processes/common-metrics.ts';
import { createMetrics } from '../../../../src/telemetry/metrics.ts';
import type { Readings } from '../../../../src/telemetry/several.ts';

const counted = (value: number): Readings => [
  {
    name: 'verbatim_things_total',
    help: 'Things.',
    type: 'counter',
    aggregator: 'sum',
    values: [{ labels: {}, value }],
  },
];

function createCommon(...scrapes: readonly (() => Promise<Readings>)[]) {
  const processes = scrapes.map((scrape) => ({ scrape }));
  const own = createMetrics({
    indexes: [{ name: 'main', evidence: 'tuf', refreshSeconds: 300 }],
    version: '1.2.3',
    processMetrics: false,
  });
  const common = new CommonMetrics({ own, processes: () => processes, scrapeMs: 20 });
  return { processes, common };
}

const things = async (common: { text(): Promise<string> }) =>
  /^verbatim_things_total (\d+)$/m.exec(await common.text())?.[1];

describe('one scrape of several processes', () => {
  it('has what they say now', async () => {
    const { common, processes } = createCommon(
      async () => counted(2),
      async () => counted(3),
    );
    for (const process of processes) common.heard(process, counted(1));
    expect(await things(common)).toBe('5');
    expect(common.contentType).toMatch(/^text\/plain/);
  });

  it('does not wait for one that stands still, nor for one that ends, and has what was heard of them', async () => {
    const { common, processes } = createCommon(
      async () => counted(2),
      () => new Promise<never>(() => undefined),
      () => Promise.reject(new Error('it has ended')),
    );
    for (const [at, process] of processes.entries()) common.heard(process, counted(10 ** at));
    const [, , third] = processes;
    if (third !== undefined) common.ended(third);
    expect(await things(common)).toBe('112');
  });

  it('is one for all who ask meanwhile', async () => {
    let asked = 0;
    const { common, processes } = createCommon(async () => counted(++asked));
    for (const process of processes) common.heard(process, counted(0));
    expect(await Promise.all([things(common), things(common)])).toEqual(['1', '1']);
    expect(await things(common)).toBe('2');
  });
});
