import type { Caller, Priority } from './caller.ts';

/** One piece of work for each key, however many ask for it meanwhile; what comes of it is shared, then forgotten. */
export interface Flights<T> {
  /**
   * Joins the work under way, or starts it. It is done for a caller of its own: a client's as soon as one client waits for
   * it; its signal aborts when all have left. Rejects with the signal's reason where the caller leaves first.
   */
  join(key: string, caller: Caller, work: (caller: Caller) => Promise<T>): Promise<T>;
  /** Joins the work under way, if there is any. */
  joinUnderway(key: string, caller: Caller): Promise<T> | undefined;
  /** Keys with work under way. */
  readonly size: number;
}

export function createFlights<T>(): Flights<T> {
  const flights = new Map<string, Flight<T>>();
  return {
    join(key, caller, work) {
      if (caller.signal.aborted) return Promise.reject(caller.signal.reason);
      const known = flights.get(key);
      if (known !== undefined) return known.join(caller);
      const flight = new Flight<T>(caller, () => {
        if (flights.get(key) === flight) flights.delete(key);
      });
      flights.set(key, flight);
      const joined = flight.join(caller);
      flight.start(work);
      return joined;
    },
    joinUnderway(key, caller) {
      if (caller.signal.aborted) return Promise.reject(caller.signal.reason);
      return flights.get(key)?.join(caller);
    },
    get size() {
      return flights.size;
    },
  };
}

/** Who waits for one piece of work. It is over (`#end`) when it has come to an end, or when all have left. */
class Flight<T> {
  readonly #first: Caller;
  readonly #end: () => void;
  readonly #waiting = new Set<{ readonly caller: Caller }>();
  readonly #looks = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #outcome = Promise.withResolvers<T>();

  constructor(first: Caller, end: () => void) {
    this.#first = first;
    this.#end = end;
    // Everybody may have left before it fails.
    this.#outcome.promise.catch(() => undefined);
  }

  get #priority(): Priority {
    for (const { caller } of this.#waiting) if (caller.priority === 'client') return 'client';
    return 'background';
  }

  /** Begins the work, for all who join. */
  start(work: (caller: Caller) => Promise<T>): void {
    const { index, party, connection } = this.#first;
    const priority = () => this.#priority;
    const shared: Caller = {
      index,
      party,
      connection,
      get priority() {
        return priority();
      },
      signal: this.#stop.signal,
      onRaise: (look) => {
        this.#looks.add(look);
        return () => this.#looks.delete(look);
      },
    };
    const run = async () => work(shared);
    // The key is free again before anybody hears of the outcome.
    run().finally(this.#end).then(this.#outcome.resolve, this.#outcome.reject);
  }

  join(caller: Caller): Promise<T> {
    const wasClient = this.#priority === 'client';
    const one = { caller };
    this.#waiting.add(one);
    if (!wasClient && caller.priority === 'client') this.#raise();
    const unraise = caller.onRaise?.(() => this.#raise());
    return new Promise((resolve, reject) => {
      const { signal } = caller;
      const over = () => {
        signal.removeEventListener('abort', left);
        unraise?.();
        this.#waiting.delete(one);
      };
      const left = () => {
        over();
        reject(signal.reason);
        if (this.#waiting.size > 0) return;
        this.#end();
        this.#stop.abort(signal.reason);
      };
      signal.addEventListener('abort', left, { once: true });
      this.#outcome.promise.finally(over).then(resolve, reject);
    });
  }

  #raise(): void {
    for (const look of [...this.#looks]) look();
  }
}
