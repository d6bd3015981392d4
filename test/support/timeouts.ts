import type { Timeouts } from '../../src/config/config.ts';

/** How long an upstream is waited for where nothing else is configured. */
export const TIMEOUTS: Timeouts = {
  connect: 10,
  firstByte: 30,
  fileFirstByte: 60,
  fileSilence: 20,
  silence: 60,
  slowest: 1024,
  slowestOver: 60,
  page: 900,
  file: 86_400,
  retryAfter: 60,
  retryAfterUnheld: 10,
  retryAfterWait: 5,
  retryAfterSent: 5,
};
