/** How long one piece of work may hold the event loop before others have their turn. Milliseconds. */
const SLICE_MS = 8;

/** Drives work that pauses now and then, a slice at a time, so that no other request waits for a large document. */
export async function runInSlices<T>(work: Generator<undefined, T, undefined>): Promise<T> {
  let sliceEnds = performance.now() + SLICE_MS;
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    if (performance.now() < sliceEnds) continue;
    await yieldToEventLoop();
    sliceEnds = performance.now() + SLICE_MS;
  }
}

/** Lets everything else that is ready run first. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
