import type { Instant } from '../bytes/instant.ts';

/** Two times, in whole seconds since the epoch. */
export interface Clock {
  /** The time it is. By it is measured how old something is and how long to wait, and told when something happened. */
  now(): Instant;
  /**
   * The time that the expiry of signed metadata is judged as of: the operator's reference time, or else the time it is. It may stand
   * still, so that nothing is waited for by it.
   */
  judged(): Instant;
}
