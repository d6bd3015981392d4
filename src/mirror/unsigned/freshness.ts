import type { Instant } from '../../ports/clock.ts';
import type { PageRecord } from '../../ports/index-state.ts';

/** How long a page of an unsigned index is believed without asking again. Seconds. */
export interface Lifetimes {
  /** A page counts as fresh. */
  readonly maxAge: number;
  /** It may stand in for an upstream that is away, after that. */
  readonly staleIfError: number;
}

/** Less than so many seconds ago. A clock that went back makes nothing recent. */
export function isRecent(at: Instant, seconds: number, now: Instant): boolean {
  return now >= at && now - at < seconds;
}

/** Fresh: served. Ageing: served, and refreshed behind. Stale: refreshed first, stands in where that fails. Spent: not served. */
export type Freshness = 'fresh' | 'ageing' | 'stale' | 'spent';

/** How long a page is served while it is refreshed behind (DESIGN §5 "Fresh enough"). Seconds. */
const WHILE_REFRESHING = 300;
/** An upstream that lets nothing be kept is asked this often, and not once for every client. Seconds. */
const LEAST_FRESH = 10;

/** Where a page stands in its life. Upstream's own max-age only shortens the first part of it. */
export function freshnessOf(
  { confirmedAt, maxAge: upstreams = Number.POSITIVE_INFINITY }: Pick<PageRecord, 'confirmedAt' | 'maxAge'>,
  { maxAge, staleIfError }: Lifetimes,
  now: Instant,
): Freshness {
  const age = now - confirmedAt;
  // A clock that went back makes nothing fresh.
  if (age < 0) return 'spent';
  const fresh = Math.min(maxAge, Math.max(LEAST_FRESH, upstreams));
  if (age < fresh) return 'fresh';
  if (age < fresh + WHILE_REFRESHING) return 'ageing';
  return age < fresh + staleIfError ? 'stale' : 'spent';
}
