import { setTimeout as delay } from 'node:timers/promises';
import { ObjectStoreError } from '../ports/object-store.ts';
import type { S3Answer, S3Client, S3Request } from './client.ts';

/** Tries again what could not be had, with pauses that grow. Never for a conditional write that is not read back. */
export async function patiently<T>(
  { limits, meter }: S3Client,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isOver = !(error instanceof ObjectStoreError) || error.kind !== 'away' || attempt >= limits.attempts;
      if (isOver) throw error;
      meter.retry?.();
      await delay(limits.pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }
}

/**
 * A second identical request of one that is not answered soon; the first success counts. Both write the same bytes, so that either may
 * have been first.
 */
export async function hedged(client: S3Client, request: S3Request): Promise<S3Answer> {
  const first = client.send(request);
  const waiting = new AbortController();
  const isSlow = await Promise.race([
    first.then(
      () => false,
      () => false,
    ),
    delay(client.limits.hedgeMs, true, { signal: waiting.signal }).catch(() => false),
  ]);
  waiting.abort();
  if (!isSlow) return first;
  const both = [first, client.send(request)];
  const success = (sent: Promise<S3Answer>) =>
    sent.then((answer) => (answer.status < 300 ? answer : Promise.reject(answer)));
  const chosen = await Promise.any(both.map(success)).catch(() => first);
  const own = await Promise.race([first, undefined]).catch(() => undefined);
  client.meter.hedge?.(chosen !== own);
  for (const sent of both) sent.then((answer) => answer !== chosen && answer.discard()).catch(() => undefined);
  return chosen;
}
