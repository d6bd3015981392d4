/** Lets `most` run at once; `queue` more wait their turn in order. */
export interface Gate {
  /** `full` makes the error for one too many. */
  run<T>(task: () => Promise<T>, full: () => Error): Promise<T>;
  running(): number;
}

export function createGate(most: number, queue: number): Gate {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async run(task, full) {
      if (running < most) running++;
      else if (waiting.length >= queue) throw full();
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await task();
      } finally {
        // The place is handed on, so that nobody can slip in between.
        const next = waiting.shift();
        if (next === undefined) running--;
        else next();
      }
    },
    running: () => running,
  };
}
