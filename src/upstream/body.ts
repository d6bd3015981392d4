import type { IncomingMessage } from 'node:http';
import { Refusal } from '../bytes/refusal.ts';
import { redactUrl } from './destinations.ts';
import { failed } from './failures.ts';
import type { Pace } from './limits.ts';
import type { Timer } from './timer.ts';

export interface Body {
  readonly response: IncomingMessage;
  readonly url: URL;
  readonly timer: Timer;
  readonly limit: number;
  readonly length: number | undefined;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly minimumRate: number;
}

/** The body as it arrives: complete or a Refusal (`truncated`, `slow`), and at most `limit` bytes (`limit`). */
export async function* bodyOf(body: Body): AsyncGenerator<Uint8Array, void, undefined> {
  const { response, url, timer, limit, length, pace, signal, minimumRate } = body;
  const tooLarge = () => new Refusal('limit', `${redactUrl(url)} is larger than the ${limit} bytes it may have.`);
  const isTooSlow = rateBelow(minimumRate, pace.rateWindow);
  let received = 0;
  try {
    if (length !== undefined && length > limit) throw tooLarge();
    const chunks: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
    for (;;) {
      const asked = performance.now();
      timer.start(pace.idleTimeout, () => response.destroy(tooSlow(url)));
      const next = await chunks.next();
      timer.stop();
      if (next.done) break;
      received += next.value.byteLength;
      if (received > limit) throw tooLarge();
      // Only our own waiting counts: a slow reader behind us is no fault of the upstream's.
      if (isTooSlow(next.value.byteLength, performance.now() - asked)) throw tooSlow(url);
      yield next.value;
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : failed(error, url, 'in the body');
  } finally {
    timer.stop();
    response.destroy();
  }
}

/** Adds a chunk and how long it was waited for; true where a window of waiting (milliseconds) brought too few bytes a second. */
function rateBelow(minimum: number, window: number): (bytes: number, waited: number) => boolean {
  let received = 0;
  let waited = 0;
  return (bytes, milliseconds) => {
    received += bytes;
    waited += milliseconds;
    if (waited < window) return false;
    const below = received / (waited / 1000) < minimum;
    received = 0;
    waited = 0;
    return below;
  };
}

function tooSlow(url: URL): Refusal {
  return new Refusal('slow', `${redactUrl(url)} comes too slowly (timeouts: silence, file_silence, slowest).`, {
    transient: true,
  });
}
