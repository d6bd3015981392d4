import type { Instant } from '../bytes/instant.ts';
import type { Clock } from '../ports/clock.ts';
import type { UpstreamLimits } from '../upstream/limits.ts';

/** This machine's clock; expiry is judged as of the reference time, where there is one. */
export function createClock(referenceTime: Instant | undefined): Clock {
  const now = () => Math.floor(Date.now() / 1000);
  return { now, judged: () => referenceTime ?? now() };
}

/** What a test replaces so that it need not wait: time, and the waits of the upstream side. */
export interface Seams {
  readonly clock?: Clock | undefined;
  readonly upstreamLimits?: Partial<UpstreamLimits> | undefined;
  /** Between two writes of small files. */
  readonly apartMs?: number | undefined;
}
