import { expect, it } from 'vitest';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import type { ScrubNumbers } from '../../../src/telemetry/scrub-metrics.ts';

it('what was read again is counted, and the last round has a time once there was one', async () => {
  const metrics = createMetrics({ indexes: [], version: '1', processMetrics: false });
  let numbers: ScrubNumbers = { files: 3, bytes: 700, damaged: 1, failures: 2, last: undefined };
  metrics.watchScrub(() => numbers);
  const lines = async () =>
    (await metrics.exposition.text()).split('\n').filter((line) => /^verbatim_scrub_(?!rounds|fetched)/.test(line));
  const counts = [
    'verbatim_scrub_files_total 3',
    'verbatim_scrub_bytes_total 700',
    'verbatim_scrub_damaged_total 1',
    'verbatim_scrub_failures_total 2',
  ];
  expect(await lines()).toEqual(expect.arrayContaining(counts));
  numbers = { ...numbers, last: { endedMs: 5_000, seconds: 7 } };
  const told = await lines();
  expect(told).toEqual(
    expect.arrayContaining([
      ...counts,
      'verbatim_scrub_last_round_timestamp_seconds 5',
      'verbatim_scrub_last_round_seconds 7',
    ]),
  );
});
