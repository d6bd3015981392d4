import type { Jobs } from '../../src/app/scrubbing/jobs.ts';
import type { Waiting } from '../../src/blobs/scrub/scrub.ts';
import type { Mirror } from '../rigs/mirror.ts';

const HOUR_MS = 3_600_000;

/** Begins the slow look at what is held, without its pauses. `through`: its first round has ended, and it rests. */
export function lookThrough(mirror: Pick<Mirror, 'jobs'>): {
  readonly jobs: Jobs | undefined;
  readonly through: Promise<void>;
} {
  const through = Promise.withResolvers<void>();
  let now = 0;
  const looking: Waiting = {
    now: () => now,
    async wait(ms, signal) {
      signal.throwIfAborted();
      now += ms;
      if (ms < HOUR_MS) return;
      through.resolve();
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  };
  return { jobs: mirror.jobs({ scrubDays: 0, looking }).jobs, through: through.promise };
}
