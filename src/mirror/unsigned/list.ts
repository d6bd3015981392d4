import { internalCaller } from '../../async/caller.ts';
import { createFlights } from '../../async/flight.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock, Instant } from '../../ports/clock.ts';
import type { PageWork } from '../../ports/page-work.ts';
import type { Upstream } from '../../ports/upstream.ts';
import { makePage, type Page } from '../../render/page.ts';
import { LIMITS } from '../limits.ts';
import { isRecent } from './freshness.ts';

interface IndexListOptions {
  readonly upstream: Upstream;
  readonly pageUrl: (project: string) => string;
  readonly projectList: boolean;
  readonly work: PageWork;
  /** Seconds. */
  readonly maxAge: number;
  readonly staleIfError: number;
  readonly clock: Clock;
}

interface Kept {
  readonly page: Page;
  readonly etag: string | undefined;
  /** When upstream stood by it. */
  readonly at: Instant;
}

/** After a fetch that failed nobody has the next 40 MB fetched for so long. Seconds. */
const REST = 5;

const ACCEPT = 'application/vnd.pypi.simple.v1+json, text/html;q=0.01';

/** The project list; Refusal `policy` where it is turned off. Nobody waits for 40 MB where an older list can be served. */
export function createIndexList(options: IndexListOptions): () => Promise<Page> {
  const { upstream, pageUrl, projectList, work, maxAge, staleIfError, clock } = options;
  const flights = createFlights<Kept>();
  let kept: Kept | undefined;
  let failed: { readonly at: Instant; readonly error: unknown } | undefined;

  const fetchList = async (): Promise<Kept> => {
    const etag = kept?.etag;
    const url = pageUrl('').replace(/\/+$/, '/');
    const answer = await upstream.page(url, { accept: ACCEPT, etag, fresh: false, limit: LIMITS.list });
    if (answer.kind === 'unchanged' && kept !== undefined) return { ...kept, at: clock.now() };
    if (answer.kind !== 'page')
      throw new Refusal('unreachable', 'Upstream has no project list.', { subject: 'list', transient: true });
    return { page: makePage(await work.drawList(answer.bytes)), etag: answer.etag, at: clock.now() };
  };

  const refresh = (): Promise<Kept> =>
    flights.join('', internalCaller(''), async () => {
      if (failed !== undefined && isRecent(failed.at, REST, clock.now())) throw failed.error;
      try {
        kept = await fetchList();
        failed = undefined;
        return kept;
      } catch (error) {
        failed = { at: clock.now(), error };
        throw error;
      }
    });

  return async () => {
    if (!projectList)
      throw new Refusal('policy', 'This mirror does not pass the project list on.', { subject: 'list' });
    // A clock that went back makes nothing fresh.
    const age = kept === undefined || clock.now() < kept.at ? Number.POSITIVE_INFINITY : clock.now() - kept.at;
    if (kept === undefined || age >= maxAge + staleIfError) return (await refresh()).page;
    if (age >= maxAge) refresh().catch(() => undefined);
    return kept.page;
  };
}
