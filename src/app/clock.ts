import type { Instant } from '../bytes/instant.ts';
import type { Clock } from '../ports/clock.ts';

/** This machine's clock; expiry is judged as of the reference time, where there is one. */
export function createClock(referenceTime: Instant | undefined): Clock {
  const now = () => Math.floor(Date.now() / 1000);
  return { now, judged: () => referenceTime ?? now() };
}
