export interface Timer {
  start(milliseconds: number, expired: () => void): void;
  stop(): void;
}

/** At most one wait at a time. */
export function createTimer(): Timer {
  let handle: NodeJS.Timeout | undefined;
  return {
    start(milliseconds, expired) {
      clearTimeout(handle);
      handle = setTimeout(expired, milliseconds);
    },
    stop() {
      clearTimeout(handle);
    },
  };
}
