// What code costs in processor time, compared with what other code costs beside it: a slow machine, a busy one, or one
// that measures coverage, then changes nothing.

/** CPU milliseconds of this thread so far: what the code cost, however busy the machine was meanwhile. */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** CPU milliseconds that this work cost. */
export function cost(work: () => void): number {
  const start = cpuTime();
  work();
  return cpuTime() - start;
}

/** What a quiet machine takes for the yardstick below, in milliseconds. */
const QUIET = 6;

/** So many milliseconds of a quiet machine, as this one counts them now. */
export function onThisMachine(milliseconds: number): number {
  yardstick();
  return milliseconds * Math.max(1, Math.min(cost(yardstick), cost(yardstick), cost(yardstick)) / QUIET);
}

/** Texts made, sorted, written and read again: what documents are made of. */
function yardstick(): void {
  const words = Array.from({ length: 12_000 }, (_, at) => `${(at * 7919) % 12_007} ${at}`).sort();
  if ((JSON.parse(JSON.stringify(words)) as unknown[]).length !== 12_000) throw new Error('the yardstick is broken');
}

/** How many times as much eight times the size costs. Linear work gives about 8, quadratic 64. */
export function growth(work: (size: number) => void, size: number): number {
  work(size);
  return (
    cost(() => work(8 * size)) /
    Math.max(
      cost(() => work(size)),
      onThisMachine(5),
    )
  );
}
