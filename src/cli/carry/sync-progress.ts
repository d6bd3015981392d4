import type { Progress } from '../../sync/report.ts';
import { megabytes, rateParts, type Shown } from './progress.ts';

/** How a sync stands. `all`: what was counted before. */
export function syncShown(now: Progress, all: Progress): Shown {
  return {
    line: (seconds) => progressLine(now, all, seconds),
    json: () => ({ event: 'progress', ...now, of: all.files, ofBytes: all.bytes }),
  };
}

/** Files, bytes, rate, and the time that is left at that rate. */
function progressLine(now: Progress, all: Progress, seconds: number): string {
  const done = now.fetched + now.held + now.failed;
  const left = Math.max(0, all.bytes - now.fetchedBytes - now.heldBytes);
  const parts = [
    `${done} of ${all.files} files`,
    `${megabytes(now.fetchedBytes + now.heldBytes)} of ${megabytes(all.bytes)}`,
    ...rateParts({ moved: now.fetchedBytes, left, seconds }),
    ...(now.failed > 0 ? [`${now.failed} failed`] : []),
    ...(now.retries > 0 ? [`${now.retries} tried again`] : []),
  ];
  return parts.join(', ');
}
