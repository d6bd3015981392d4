import { timeLimit } from '../async/timeout.ts';

export interface Timer {
  start(milliseconds: number, expired: () => void): void;
  stop(): void;
}

/** At most one wait at a time. */
export function createTimer(): Timer {
  let callOff: (() => void) | undefined;
  return {
    start(milliseconds, expired) {
      callOff?.();
      callOff = timeLimit(milliseconds, expired);
    },
    stop() {
      callOff?.();
    },
  };
}
