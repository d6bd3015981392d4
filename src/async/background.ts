import { within } from './timeout.ts';

/** Work that nobody waits for, until the mirror ends. */
export interface Background {
  add(work: Promise<unknown>): void;
  /** Resolves when all of it has come to an end, or has had its time. */
  settled(): Promise<void>;
}

/** What ends within this time still finds its store open. Milliseconds. */
const GRACE_MS = 5000;

export function createBackground(graceMs: number = GRACE_MS): Background {
  const running = new Set<Promise<unknown>>();
  return {
    add(work) {
      const done = () => void running.delete(work);
      running.add(work);
      work.then(done, done);
    },
    async settled() {
      await within<unknown>(graceMs, Promise.allSettled(running), undefined);
    },
  };
}
