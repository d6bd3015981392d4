import { type Caller, type Priority, type Standing, standingFor } from './caller.ts';

/** One piece of work for each key, however many ask for it meanwhile; what comes of it is shared, then forgotten. */
export interface Flights<T> {
  /**
   * Joins the work under way, or starts it. It is done for a caller of its own, who has the party and the connection of the
   * first client that still waits; its signal aborts when all have left. Rejects with the signal's reason where the caller
   * leaves first.
   */
  join(key: string, caller: Caller, work: (caller: Caller) => Promise<T>): Promise<T>;
  /** Joins the work under way, if there is any. */
  joinUnderway(key: string, caller: Caller): Promise<T> | undefined;
  /** Whether work is under way for the key. */
  has(key: string): boolean;
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
    has: (key) => flights.has(key),
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

  /** The first client that still waits for it; where there is none, whoever does. */
  get #standing(): Standing {
    let anybody: Caller | undefined;
    for (const { caller } of this.#waiting) {
      if (caller.priority === 'client') return caller;
      anybody ??= caller;
    }
    const { party, connection } = anybody ?? this.#first;
    return { party, connection, priority: 'background' };
  }

  /** Begins the work, for all who join. */
  start(work: (caller: Caller) => Promise<T>): void {
    const shared = standingFor(() => this.#standing, {
      index: this.#first.index,
      signal: this.#stop.signal,
      onChange: (look) => {
        this.#looks.add(look);
        return () => this.#looks.delete(look);
      },
      giveWay: () => this.#giveWay(),
    });
    const run = async () => work(shared);
    // The key is free again before anybody hears of the outcome.
    run().finally(this.#end).then(this.#outcome.resolve, this.#outcome.reject);
  }

  join(caller: Caller): Promise<T> {
    const wasClient = this.#priority === 'client';
    const one = { caller };
    this.#waiting.add(one);
    if (!wasClient && caller.priority === 'client') this.#look();
    const unlook = caller.onChange?.(() => this.#look());
    return new Promise((resolve, reject) => {
      const { signal } = caller;
      const over = () => {
        signal.removeEventListener('abort', left);
        unlook?.();
        this.#waiting.delete(one);
      };
      const left = () => {
        const { party, connection, priority } = this.#standing;
        over();
        reject(signal.reason);
        if (this.#waiting.size === 0) {
          this.#end();
          this.#stop.abort(signal.reason);
          return;
        }
        const now = this.#standing;
        if (now.party !== party || now.connection !== connection || now.priority !== priority) this.#look();
      };
      signal.addEventListener('abort', left, { once: true });
      this.#outcome.promise.finally(over).then(resolve, reject);
    });
  }

  /** A place gives way where all who wait for it do; each of them leaves by its own signal. */
  #giveWay(): boolean {
    const callers = [...this.#waiting].map(({ caller }) => caller);
    if (callers.length === 0 || callers.some(({ giveWay }) => giveWay === undefined)) return false;
    return callers.filter(({ giveWay }) => giveWay?.() === true).length === callers.length;
  }

  /** It is done for somebody else now. */
  #look(): void {
    for (const look of [...this.#looks]) look();
  }
}
