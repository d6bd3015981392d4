import type { Instant } from '../../bytes/instant.ts';
import type { PageRecord } from '../../ports/index-state.ts';
import type { Standing } from '../evidence.ts';

/** How long a document of an unsigned index is believed without asking again. Seconds. */
export interface Lifetimes {
  /** It counts as fresh. */
  readonly maxAge: number;
  /** It may stand in for an upstream that is away, after that. */
  readonly staleIfError: number;
}

/** How long a page is served while upstream is asked behind. Seconds. */
const WHILE_REVALIDATING = 300;
/** An upstream that lets nothing be kept is asked this often, and not once for every client. Seconds. */
const LEAST_FRESH = 10;

/** Where a page stands in its life. Upstream's own max-age only shortens the first part of it. */
export function standingOf(
  { confirmedAt, maxAge: upstreams = Number.POSITIVE_INFINITY }: Pick<PageRecord, 'confirmedAt' | 'maxAge'>,
  { maxAge, staleIfError }: Lifetimes,
  now: Instant,
): Standing {
  const age = now - confirmedAt;
  // The clock was ahead, or went back: nobody knows how old it is. It is asked for again, and stands in where that fails.
  if (age < 0) return 'stale-if-error';
  const fresh = Math.min(maxAge, Math.max(LEAST_FRESH, upstreams));
  if (age < fresh) return 'fresh';
  if (age < fresh + WHILE_REVALIDATING) return 'stale-while-revalidate';
  return age < fresh + staleIfError ? 'stale-if-error' : 'expired';
}

/** Nobody waits for 40 MB where an older list can be served. */
export function standingOfList(confirmedAt: Instant, { maxAge, staleIfError }: Lifetimes, now: Instant): Standing {
  const age = now - confirmedAt;
  if (age >= maxAge + staleIfError) return 'expired';
  return age >= 0 && age < maxAge ? 'fresh' : 'stale-while-revalidate';
}
