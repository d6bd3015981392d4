import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../bytes/refusal.ts';
import type { UpstreamLimits } from './limits.ts';

/** After a 429 that does not say how long, the first pause; each further one doubles it. Milliseconds. */
const FIRST_PAUSE = 500;
const MOST_ORIGINS = 1000;

interface Pause {
  readonly until: number;
  /** The last one that was ours to choose. */
  readonly chosen: number;
}

/** Which origins asked not to be asked for a while (Retry-After, RFC 9110 §10.2.3; 429, RFC 6585 §4), each for itself. */
export class RetryAfter {
  readonly #pauses = new Map<string, Pause>();
  readonly #limits: UpstreamLimits;

  constructor(limits: UpstreamLimits) {
    this.#limits = limits;
  }

  /** Of a 429 or 503. Remembered for at most `longestRetryAfter`. */
  heard({ origin }: URL, retryAfter: string | undefined, status: number): void {
    const { longestRetryAfter } = this.#limits;
    const asked = Math.min(milliseconds(retryAfter), longestRetryAfter);
    const before = this.#pauses.get(origin)?.chosen ?? FIRST_PAUSE / 2;
    const chosen = asked <= 0 && status === 429 ? Math.min(before * 2, longestRetryAfter) : 0;
    if (asked <= 0 && chosen === 0) return;
    if (this.#pauses.size >= MOST_ORIGINS) this.#pauses.clear();
    this.#pauses.set(origin, { until: performance.now() + Math.max(asked, chosen), chosen });
  }

  /** It answers again. */
  eased({ origin }: URL): void {
    this.#pauses.delete(origin);
  }

  /** Resolves when the origin may be asked again; Refusal `unreachable` where that is too far away. */
  async passed({ origin, host }: URL, signal: AbortSignal): Promise<void> {
    const left = (this.#pauses.get(origin)?.until ?? 0) - performance.now();
    if (left <= 0) return;
    if (left > this.#limits.longestWait)
      throw new Refusal('unreachable', `${host} asked not to be asked again for ${Math.ceil(left / 1000)} seconds.`, {
        transient: true,
      });
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
