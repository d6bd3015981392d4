import type { Instant } from '../bytes/instant.ts';

export interface Clock {
  now(): Instant;
}
