import { expect, it } from 'vitest';
import { limitsOf } from '../../../src/app/upstream-options.ts';
import { LIMITS } from '../../../src/upstream/limits.ts';
import { TIMEOUTS } from '../../support/timeouts.ts';

it('an upstream is waited for as the program does without a configuration, unless that says otherwise', () => {
  expect(limitsOf({ timeouts: TIMEOUTS })).toEqual(LIMITS);
});

it('each wait that is configured is the one that is meant', () => {
  const timeouts = {
    connect: 1,
    firstByte: 2,
    fileFirstByte: 3,
    fileSilence: 9,
    silence: 4,
    slowest: 5,
    slowestOver: 6,
    page: 7,
    file: 8,
    retryAfter: 10,
    retryAfterUnheld: 11,
    retryAfterWait: 12,
    retryAfterSent: 13,
  };
  expect(limitsOf({ timeouts })).toEqual({
    ...LIMITS,
    connectTimeout: 1000,
    documents: { headersTimeout: 2000, idleTimeout: 4000, rateWindow: 6000, deadline: 7000 },
    downloads: { headersTimeout: 3000, idleTimeout: 9000, rateWindow: 6000, deadline: 8000 },
    minimumRate: 5,
    longestRetryAfter: 10_000,
    longestUnheld: 11_000,
    longestWait: 12_000,
  });
});
