interface Round<In, Out> {
  readonly all: In[];
  readonly outcome: Promise<Out>;
}

/**
 * A group commit: one run at a time, for all who asked before it began; who asks while one runs shares the next. What comes of a
 * run, also its failure, is told to all who shared it, and to nobody else.
 */
export class JoinedRuns<In, Out> {
  readonly #run: (all: readonly In[]) => Promise<Out>;
  #last: Promise<unknown> = Promise.resolve();
  #next: Round<In, Out> | undefined;

  constructor(run: (all: readonly In[]) => Promise<Out>) {
    this.#run = run;
  }

  /** What a run comes to that began after this was called. */
  join(one: In): Promise<Out> {
    this.#next ??= this.#begin();
    this.#next.all.push(one);
    return this.#next.outcome;
  }

  #begin(): Round<In, Out> {
    const all: In[] = [];
    const outcome = this.#last.then(() => {
      this.#next = undefined;
      return this.#run(all);
    });
    this.#last = outcome.catch(() => undefined);
    return { all, outcome };
  }
}
