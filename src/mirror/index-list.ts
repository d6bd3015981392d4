import { Refusal } from '../bytes/refusal.ts';
import { decodeList } from '../pypi/decode.ts';
import type { Page } from '../pypi/page.ts';
import { renderList } from '../pypi/render.ts';
import { LIMITS } from './limits.ts';
import type { Clock, Instant, Upstream } from './ports.ts';
import { singleFlight } from './single-flight.ts';

interface IndexListOptions {
  readonly upstream: Upstream;
  readonly pageUrl: (project: string) => string;
  readonly projectList: boolean;
  readonly maxAge: number;
  readonly clock: Clock;
}

const ACCEPT = 'application/vnd.pypi.simple.v1+json, text/html;q=0.01';

/** The project list; Refusal `policy` where it is turned off. */
export function createIndexList({
  upstream,
  pageUrl,
  projectList,
  maxAge,
  clock,
}: IndexListOptions): () => Promise<Page> {
  const flights = singleFlight<Page>();
  let kept: { readonly page: Page; readonly at: Instant } | undefined;
  return async () => {
    if (!projectList)
      throw new Refusal('policy', 'This mirror does not pass the project list on.', { subject: 'list' });
    const now = clock.now();
    if (kept !== undefined && now >= kept.at && now - kept.at < maxAge) return kept.page;
    return flights('', async () => {
      const answer = await upstream.page(pageUrl('').replace(/\/+$/, '/'), {
        accept: ACCEPT,
        fresh: false,
        limit: LIMITS.list,
      });
      if (answer.kind !== 'page')
        throw new Refusal('unreachable', 'Upstream has no project list.', { subject: 'list', transient: true });
      const page = await renderList(decodeList(answer.bytes));
      kept = { page, at: clock.now() };
      return page;
    });
  };
}
