/** Whole seconds since the epoch. */
export type Instant = number;

export interface Clock {
  now(): Instant;
}
