import type { Instant } from '../../bytes/instant.ts';
import type { PageRecord } from '../../ports/index-state.ts';
import type { Standing } from '../evidence.ts';
import { WHILE_REVALIDATING } from '../limits.ts';

/** How long a document of an unsigned index is believed without asking again. Seconds. */
export interface Lifetimes {
  /** It counts as fresh. */
  readonly maxAge: number;
  /** It may stand in for an upstream that is away, after that. */
  readonly staleIfError: number;
}

/** An upstream that lets nothing be kept is asked this often, and not once for every client. Seconds. */
const LEAST_FRESH = 10;

type Heard = Pick<PageRecord, 'confirmedAt' | 'maxAge'>;

/** Seconds after it was confirmed. Upstream's own max-age only shortens it. */
export function freshFor(
  { maxAge: upstreams = Number.POSITIVE_INFINITY }: Pick<Heard, 'maxAge'>,
  { maxAge }: Pick<Lifetimes, 'maxAge'>,
): number {
  return Math.min(maxAge, Math.max(LEAST_FRESH, upstreams));
}

/** Where a page stands in its life. */
export function standingOf(heard: Heard, lifetimes: Lifetimes, now: Instant): Standing {
  const age = now - heard.confirmedAt;
  // The clock was ahead, or went back: nobody knows how old it is. It is asked for again, and stands in where that fails.
  if (age < 0) return 'stale-if-error';
  const fresh = freshFor(heard, lifetimes);
  if (age < fresh) return 'fresh';
  if (age < fresh + WHILE_REVALIDATING) return 'stale-while-revalidate';
  return age < fresh + lifetimes.staleIfError ? 'stale-if-error' : 'expired';
}

/** Nobody waits for 40 MB where an older list can be served. */
export function standingOfList(confirmedAt: Instant, { maxAge, staleIfError }: Lifetimes, now: Instant): Standing {
  const age = now - confirmedAt;
  if (age >= maxAge + staleIfError) return 'expired';
  return age >= 0 && age < maxAge ? 'fresh' : 'stale-while-revalidate';
}
