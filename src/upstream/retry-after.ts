import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../bytes/refusal.ts';
import type { UpstreamLimits } from './limits.ts';

/** Which origins asked to be left alone (Retry-After, RFC 9110 §10.2.3). */
export interface Rest {
  asked(url: URL, retryAfter: string | undefined): void;
  /** Resolves when the origin may be asked again; Refusal `unreachable` where that is too far away. */
  over(url: URL, signal: AbortSignal): Promise<void>;
}

/** Remembers for at most `longestRest`. */
export function createRest(limits: UpstreamLimits): Rest {
  const until = new Map<string, number>();
  return {
    asked(url, retryAfter) {
      const wait = Math.min(milliseconds(retryAfter), limits.longestRest);
      if (wait > 0) until.set(url.origin, performance.now() + wait);
    },
    async over(url, signal) {
      const left = (until.get(url.origin) ?? 0) - performance.now();
      if (left <= 0) until.delete(url.origin);
      else if (left > limits.patience)
        throw new Refusal(
          'unreachable',
          `${url.host} asked not to be asked again for ${Math.ceil(left / 1000)} seconds.`,
          { transient: true },
        );
      else await sleep(left, undefined, { signal });
    },
  };
}

function milliseconds(retryAfter: string | undefined): number {
  const text = retryAfter?.trim() ?? '';
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000;
  // Only an HTTP-date; Date.parse alone would take "-1" for a year.
  const date = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? 0 : date - Date.now();
}
