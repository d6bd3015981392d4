/** How long the event loop is looked at, at least. Milliseconds. */
const WINDOW_MS = 10;
/** The part of that time in which it had something to do. */
const BUSY_FROM = 0.75;

/** Tells whether the event loop has had little time left since it was last asked: whoever waits then waits for whatever is begun besides. */
export function createLoopLoad(windowMs: number = WINDOW_MS): () => boolean {
  let since = performance.eventLoopUtilization();
  let at = performance.now();
  let isBusy = false;
  return () => {
    const now = performance.now();
    if (now - at < windowMs) return isBusy;
    isBusy = performance.eventLoopUtilization(since).utilization >= BUSY_FROM;
    since = performance.eventLoopUtilization();
    at = now;
    return isBusy;
  };
}
