import { pino } from 'pino';

/** Bytes that wait for a reader who has stopped; more are dropped, for serving goes on. */
const MOST_WAITING = 1 << 20;
/** The end of the process waits so long for that reader. Milliseconds. */
const PATIENCE = 1000;
const STANDARD_ERROR = 2;

/** Standard error, written in order and without ever holding the process up. */
export interface StandardError {
  write(line: string): void;
  /** Resolves when nothing waits any more, or nobody reads. */
  flush(): Promise<void>;
}

/** `onDrop` hears of each line that was lost: for want of room, or because nobody reads any more. */
export function openStandardError(onDrop: () => void): StandardError {
  const destination = pino.destination({ dest: STANDARD_ERROR, sync: false, maxLength: MOST_WAITING });
  // What pino calls as the process exits tries again without end where the reader is gone, and out of order where a
  // write is under way. A process that ends by itself writes what waits all the same.
  destination.flushSync = () => undefined;
  let isPending = false;
  let isBroken = false;
  let waiters: (() => void)[] = [];
  const settle = () => {
    isPending = false;
    for (const resolve of waiters) resolve();
    waiters = [];
  };
  destination.on('drop', onDrop);
  destination.on('drain', settle);
  destination.on('error', () => {
    isBroken = true;
    onDrop();
    settle();
  });
  return {
    write(line) {
      if (isBroken) return onDrop();
      isPending = true;
      destination.write(line);
    },
    flush() {
      if (!isPending) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, PATIENCE);
        waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}
