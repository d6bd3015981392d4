/** Holds the event loop for so long; milliseconds. */
export function busyFor(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
