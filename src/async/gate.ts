import { Refusal, type Subject } from '../bytes/refusal.ts';
import { type Caller, withSignal } from './caller.ts';
import { Group, type GroupLimits } from './groups.ts';

/** Places and a queue. Clients first, then indexes, parties and connections in turn; nobody beyond its share. */
export interface Gate {
  /**
   * Resolves to what gives the place back (once, however often it is called). `cost`: how many places it takes, 1 unless
   * stated. Rejects with Refusal `limit` where the queue is full, or with the signal's reason.
   */
  enter(caller: Caller, cost?: number): Promise<() => void>;
  /** Places taken, and callers that wait. */
  readonly usage: { readonly busy: number; readonly waiting: number };
}

/** In places. A group may hold more than its share where nobody else waits: alone it may take all. */
export interface ShareLimits extends GroupLimits {
  /** What background work may hold at any time: the rest stays free for the next client. */
  readonly background?: number | undefined;
}

export interface GateOptions {
  readonly places: number;
  /** Callers that may wait. */
  readonly queue: number;
  /** One plain sentence for whoever is refused a place in the queue. */
  readonly full: string;
  readonly subject?: Subject | undefined;
  /** A caller that waited this long is refused like one too many. Milliseconds. */
  readonly longestWait?: number | undefined;
  readonly shares?: ShareLimits | undefined;
}

export function createGate(options: GateOptions): Gate {
  return new FairGate(options);
}

interface Entry {
  readonly caller: Caller;
  readonly cost: number;
  readonly grant: (leave: () => void) => void;
  readonly refuse: (reason: unknown) => void;
  readonly group: Group<Entry>;
  /** Ends what watches it while it waits. */
  unwatch: () => void;
}

/**
 * Invariant: whoever waits could not be given a place at the last change. So everything that changes what is free or who
 * waits ends in `serve`. A place is handed on in the same step in which it is given back: nobody slips in between.
 */
class FairGate implements Gate {
  readonly #options: GateOptions;
  /** Clients wait in the lines of their groups … */
  readonly #everybody: Group<Entry>;
  /** … and background work here, in order of arrival, because it may become a client's. */
  readonly #background = new Set<Entry>();
  readonly #inside = new Set<Entry>();

  constructor(options: GateOptions) {
    this.#options = options;
    this.#everybody = Group.everybody(options.shares ?? {});
  }

  get usage(): Gate['usage'] {
    return { busy: this.#everybody.busy, waiting: this.#waiting };
  }

  get #waiting(): number {
    return this.#everybody.waiting + this.#background.size;
  }

  enter(caller: Caller, cost = 1): Promise<() => void> {
    if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`${cost} is no number of places`);
    if (caller.signal.aborted) return Promise.reject(caller.signal.reason);
    return new Promise((grant, refuse) => {
      // One that costs more than there is takes all there is.
      const own = Math.min(cost, this.#options.places);
      const group = this.#everybody.join(caller.index, caller.party, caller.connection);
      const entry: Entry = { caller, cost: own, grant, refuse, group, unwatch: () => undefined };
      this.#line(entry);
      this.#serve();
      if (this.#waiting > this.#options.queue && this.#isWaiting(entry)) this.#turnAway(this.#lastInLine(entry));
      if (this.#isWaiting(entry)) this.#watch(entry);
    });
  }

  #line(entry: Entry): void {
    if (isBackground(entry)) this.#background.add(entry);
    else entry.group.line(entry);
  }

  #unline(entry: Entry): void {
    if (!this.#background.delete(entry)) entry.group.unline(entry);
  }

  #isWaiting(entry: Entry): boolean {
    return this.#background.has(entry) || entry.group.isInLine(entry);
  }

  #watch(entry: Entry): void {
    const { signal, onRaise } = entry.caller;
    const { longestWait } = this.#options;
    const left = () => this.#drop(entry, signal.reason);
    signal.addEventListener('abort', left, { once: true });
    const unraise = onRaise?.(() => this.#serve());
    const timer = longestWait === undefined ? undefined : setTimeout(() => this.#turnAway(entry), longestWait);
    entry.unwatch = () => {
      signal.removeEventListener('abort', left);
      unraise?.();
      clearTimeout(timer);
    };
  }

  #turnAway(entry: Entry): void {
    const { full, subject } = this.#options;
    this.#drop(entry, new Refusal('limit', full, { subject, transient: true }));
  }

  #drop(entry: Entry, reason: unknown): void {
    this.#unline(entry);
    entry.unwatch();
    entry.group.leave();
    entry.refuse(reason);
    this.#serve();
  }

  /** Gives out what is free. Whoever is next and finds too little waits for more: smaller ones do not overtake it. */
  #serve(): void {
    const { places } = this.#options;
    while (this.#waiting > 0 && this.#everybody.busy < places) {
      const next = this.#nextClient() ?? this.#nextBackground();
      if (next === undefined || this.#everybody.busy + next.cost > places) return;
      this.#unline(next);
      next.unwatch();
      this.#inside.add(next);
      next.group.take(next.cost);
      next.grant(() => this.#leave(next));
    }
  }

  #leave(entry: Entry): void {
    if (!this.#inside.delete(entry)) return;
    entry.group.give(entry.cost);
    entry.group.leave();
    this.#serve();
  }

  #nextClient(): Entry | undefined {
    for (const entry of this.#background) if (!isBackground(entry)) this.#moveUp(entry);
    for (;;) {
      const next = this.#everybody.next(false) ?? this.#everybody.next(true);
      if (next === undefined || !isBackground(next)) return next;
      // The client that it is done for has left: background work again.
      next.group.unline(next);
      this.#background.add(next);
    }
  }

  #moveUp(entry: Entry): void {
    this.#background.delete(entry);
    entry.group.line(entry);
  }

  #nextBackground(): Entry | undefined {
    let next: Entry | undefined;
    for (const entry of this.#background) if (next === undefined || isBefore(entry, next)) next = entry;
    return next !== undefined && this.#hasRoomForBackground(next.cost) ? next : undefined;
  }

  #hasRoomForBackground(cost: number): boolean {
    const limit = this.#options.shares?.background;
    if (limit === undefined) return true;
    let held = 0;
    for (const entry of this.#inside) if (isBackground(entry)) held += entry.cost;
    return held === 0 || held + cost <= limit;
  }

  /** Of a queue with one too many: the newest background work, else the newest client of whoever has most waiting. */
  #lastInLine(newcomer: Entry): Entry {
    return [...this.#background].at(-1) ?? this.#everybody.newest(newcomer.group) ?? newcomer;
  }
}

function isBackground({ caller }: Entry): boolean {
  return caller.priority === 'background';
}

/** Whether background work goes before other that came earlier. */
function isBefore({ group, cost }: Entry, earlier: Entry): boolean {
  const isBeyond = group.isBeyondShare(cost);
  if (isBeyond !== earlier.group.isBeyondShare(earlier.cost)) return !isBeyond;
  return group.isBefore(earlier.group) ?? false;
}

/** Runs the task in a place of the gate. */
export async function withPlace<T>(gate: Gate, caller: Caller, task: () => Promise<T>): Promise<T> {
  const leave = await gate.enter(caller);
  try {
    return await task();
  } finally {
    leave();
  }
}

/** A place, if there is one that nobody waits for; never waits. */
export async function enterIfFree(gate: Gate, caller: Caller): Promise<(() => void) | undefined> {
  if (gate.usage.waiting > 0) return undefined;
  const leaving = new AbortController();
  const entering = gate.enter(withSignal(caller, leaving.signal));
  leaving.abort();
  return entering.catch(() => undefined);
}
