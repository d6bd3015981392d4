import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../bytes/refusal.ts';
import type { UpstreamLimits } from './limits.ts';

/** Which origins asked not to be asked for a while (Retry-After, RFC 9110 §10.2.3). */
export class RetryAfter {
  readonly #until = new Map<string, number>();
  readonly #limits: UpstreamLimits;

  constructor(limits: UpstreamLimits) {
    this.#limits = limits;
  }

  /** Remembered for at most `longestRetryAfter`. */
  heard({ origin }: URL, retryAfter: string | undefined): void {
    const wait = Math.min(milliseconds(retryAfter), this.#limits.longestRetryAfter);
    if (wait > 0) this.#until.set(origin, performance.now() + wait);
  }

  /** Resolves when the origin may be asked again; Refusal `unreachable` where that is too far away. */
  async passed({ origin, host }: URL, signal: AbortSignal): Promise<void> {
    const left = (this.#until.get(origin) ?? 0) - performance.now();
    if (left <= 0) this.#until.delete(origin);
    else if (left > this.#limits.longestWait)
      throw new Refusal('unreachable', `${host} asked not to be asked again for ${Math.ceil(left / 1000)} seconds.`, {
        transient: true,
      });
    else await sleep(left, undefined, { signal });
  }
}

function milliseconds(retryAfter: string | undefined): number {
  const text = retryAfter?.trim() ?? '';
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000;
  // Only an HTTP-date; Date.parse alone would take "-1" for a year.
  const date = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? 0 : date - Date.now();
}
