import { expect, it } from 'vitest';
import { statusesSoon, tamperedWith } from '../../../../src/app/health/facts.ts';
import type { RefusedThing } from '../../../../src/disk/records/news-record.ts';

const NOW = 1_790_000_000;

it('an index that waits for an upstream that says nothing is told of as one whose upstream is slow', async () => {
  const index = { name: 'main', evidence: 'tuf', status: () => new Promise<never>(() => undefined) } as const;
  expect(await statusesSoon([index], NOW, 1)).toMatchObject([
    { name: 'main', evidence: 'tuf', silent: true, lastError: { reason: 'slow', at: NOW } },
  ]);
});

it('what was not what was promised counts for an hour, by index, where upstream sent it', async () => {
  const refusal = (over: Partial<RefusedThing>): RefusedThing => ({
    at: NOW - 60,
    index: 'main',
    reason: 'digest',
    subject: 'file',
    thing: 'x.whl',
    message: '',
    from: 'upstream',
    ...over,
  });
  const all = [
    refusal({}),
    refusal({ reason: 'rollback' }),
    refusal({ index: 'other' }),
    refusal({ at: NOW - 3600 }),
    refusal({ reason: 'foreign' }),
    refusal({ from: 'disk' }),
  ];
  expect(await tamperedWith({ latest: async () => all }, NOW)).toEqual([
    { index: 'main', things: 2 },
    { index: 'other', things: 1 },
  ]);
  expect(await tamperedWith({ latest: () => Promise.reject(new Error('a disk that fails')) }, NOW)).toEqual([]);
});
