/** How fast everything that is stored is read again; where both are given, the rate holds. */
export interface Pace {
  /** In which a whole round is to be made. */
  readonly days: number;
  readonly bytesPerSecond?: number | undefined;
}

const DAY_S = 24 * 60 * 60;
/** A small store is through sooner than it must be. */
const LEAST_PER_SECOND = 64 * 1024;

/** Bytes a second. */
export function rateOf({ days, bytesPerSecond }: Pace, stored: number): number {
  return bytesPerSecond ?? Math.max(LEAST_PER_SECOND, stored / (days * DAY_S));
}
