import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../bytes/refusal.ts';
import type { UpstreamLimits } from './limits.ts';

/** After a 429 that does not say how long, the first pause; each further one doubles it. Milliseconds. */
const FIRST_PAUSE = 500;
const MOST_ORIGINS = 1000;
/** Pages of one origin that rest at once: then it is the origin that is overloaded. */
const ORIGIN_FROM = 3;

interface Origin {
  /** Until when nothing of it is asked for; milliseconds that only go up. */
  readonly until: number;
  /** The last pause that was ours to choose. */
  readonly chosen: number;
  /** Until when each of its addresses is not asked for, by path and query. */
  readonly pages: ReadonlyMap<string, number>;
}

const AWAKE: Origin = { until: 0, chosen: FIRST_PAUSE / 2, pages: new Map() };

/**
 * What asked not to be asked for a while (Retry-After, RFC 9110 §10.2.3; 429, RFC 6585 §4): a 429 speaks for its origin, a 503
 * for its own address, and several of them for the origin.
 */
export class RetryAfter {
  readonly #origins = new Map<string, Origin>();
  readonly #limits: UpstreamLimits;

  constructor(limits: UpstreamLimits) {
    this.#limits = limits;
  }

  /** Of a 429 or 503. `held`: something older can be served meanwhile, so that it can rest for as long as it asked. */
  heard({ origin, pathname, search }: URL, retryAfter: string | undefined, status: number, held: boolean): void {
    const { longestRetryAfter, longestUnheld } = this.#limits;
    const now = performance.now();
    const asked = Math.min(milliseconds(retryAfter), longestRetryAfter);
    if (status !== 429 && asked <= 0) return;
    const before = this.#origins.get(origin) ?? AWAKE;
    const pages = new Map([...before.pages].filter(([, until]) => until > now));
    if (status !== 429) pages.set(pathname + search, now + (held ? asked : Math.min(asked, longestUnheld)));
    if (this.#origins.size >= MOST_ORIGINS) this.#origins.clear();
    if (status !== 429 && pages.size < ORIGIN_FROM) this.#origins.set(origin, { ...before, pages });
    else {
      const chosen = asked > 0 ? 0 : Math.min(before.chosen * 2, longestRetryAfter);
      this.#origins.set(origin, { until: now + Math.max(asked, chosen), chosen, pages });
    }
  }

  /** It answers again. */
  eased({ origin, pathname, search }: URL): void {
    const pages = new Map(this.#origins.get(origin)?.pages);
    pages.delete(pathname + search);
    if (pages.size === 0) this.#origins.delete(origin);
    else this.#origins.set(origin, { ...AWAKE, pages });
  }

  /** Resolves when it may be asked for again; Refusal `unreachable` where that is too far away. */
  async passed({ origin, host, pathname, search }: URL, signal: AbortSignal): Promise<void> {
    const { until, pages } = this.#origins.get(origin) ?? AWAKE;
    const page = pages.get(pathname + search) ?? 0;
    const left = Math.max(until, page) - performance.now();
    if (left <= 0) return;
    if (left > this.#limits.longestWait)
      throw new Refusal(
        'unreachable',
        `${until >= page ? host : `${host}${pathname}`} asked not to be asked again for ${Math.ceil(left / 1000)} seconds.`,
        { transient: true, retryIn: Math.ceil(left / 1000) },
      );
    await sleep(left, undefined, { signal });
  }
}

function milliseconds(retryAfter: string | undefined): number {
  const text = retryAfter?.trim() ?? '';
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000;
  // Only an HTTP-date; Date.parse alone would take "-1" for a year.
  const date = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? 0 : date - Date.now();
}
