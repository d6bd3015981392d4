import { Refusal, type Subject } from '../bytes/refusal.ts';
import { type Caller, withSignal } from './caller.ts';
import { Group, type GroupLimits, type Largest } from './groups.ts';
import { Line } from './line.ts';

/** Places and a queue. Clients first, then indexes, parties and connections in turn; nobody beyond its share. */
export interface Gate {
  /**
   * Resolves to what gives the place back (once, however often it is called). `cost`: how many places it takes, 1 unless
   * stated. Rejects with Refusal `limit` where the queue is full, or with the signal's reason.
   */
  enter(caller: Caller, cost?: number): Promise<() => void>;
  /** Places taken, and callers that wait. */
  readonly usage: { readonly busy: number; readonly waiting: number };
  /** How it stands, for people. */
  report(): GateReport;
}

export interface GateReport {
  readonly places: number;
  readonly busy: number;
  readonly waiting: number;
  /** How long the one has waited that waits longest. Milliseconds. */
  readonly longestWait: number;
  /** Callers refused since start, by their index. */
  readonly refused: ReadonlyMap<string, number>;
}

/** In places. A group may hold more than its share where nobody else waits. */
export interface ShareLimits extends GroupLimits {
  /** What background work may hold at any time: the rest stays free for the next client. */
  readonly background?: number | undefined;
}

/** A queue refuses callers (`largest` holds and waits for most of it), or whoever waited last has got a place again. */
export type Crowding = { readonly full: true; readonly largest: Largest } | { readonly full: false };

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
  /** Told of each change, not of each refusal. Must not throw. */
  readonly onCrowding?: ((crowding: Crowding) => void) | undefined;
}

export function createGate(options: GateOptions): Gate {
  return new FairGate(options);
}

interface Entry {
  readonly caller: Caller;
  readonly cost: number;
  readonly grant: (leave: () => void) => void;
  readonly refuse: (reason: unknown) => void;
  group: Group<Entry>;
  /** When it began to wait. Milliseconds that never go back. */
  since: number;
  /** Ends what watches it while it waits. */
  unwatch: () => void;
  /** Ends what tells that its caller is another one. */
  unlook: (() => void) | undefined;
}

/**
 * Invariant: whoever waits could not be given a place at the last change. So everything that changes what is free or who
 * waits ends in `serve`. A place is handed on in the same step in which it is given back: nobody slips in between.
 */
class FairGate implements Gate {
  readonly #options: GateOptions;
  /** Clients wait in the lines of their groups … */
  readonly #everybody: Group<Entry>;
  /** … and background work here, because it may become a client's. */
  readonly #background = new Line<Entry>();
  /** All who wait, in order of arrival. */
  readonly #arrivals = new Line<Entry>();
  readonly #inside = new Set<Entry>();
  readonly #refused = new Map<string, number>();
  #isFull = false;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#everybody = Group.everybody(options.shares ?? {});
  }

  get usage(): Gate['usage'] {
    return { busy: this.#everybody.busy, waiting: this.#arrivals.size };
  }

  report(): GateReport {
    const { first } = this.#arrivals;
    const longestWait = first === undefined ? 0 : performance.now() - first.since;
    return { places: this.#options.places, ...this.usage, longestWait, refused: this.#refused };
  }

  enter(caller: Caller, cost = 1): Promise<() => void> {
    if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`${cost} is no number of places`);
    if (caller.signal.aborted) return Promise.reject(caller.signal.reason);
    return new Promise((grant, refuse) => {
      // One that costs more than there is takes all there is.
      const own = Math.min(cost, this.#options.places);
      const { index, party, connection } = caller;
      const group = this.#everybody.join(index, party, connection);
      const nothing = () => undefined;
      const entry: Entry = { caller, cost: own, grant, refuse, group, since: 0, unwatch: nothing, unlook: undefined };
      this.#line(entry);
      this.#serve();
      if (this.#arrivals.size > this.#options.queue && this.#isWaiting(entry)) this.#turnAway(this.#lastInLine(entry));
      if (this.#isWaiting(entry)) this.#watch(entry);
      if (this.#isWaiting(entry) || this.#inside.has(entry))
        entry.unlook = caller.onChange?.(() => this.#changed(entry));
    });
  }

  #line(entry: Entry): void {
    this.#arrivals.add(entry);
    this.#standInLine(entry);
  }

  #unline(entry: Entry): void {
    this.#arrivals.delete(entry);
    this.#leaveLine(entry);
  }

  #standInLine(entry: Entry): void {
    if (isBackground(entry)) this.#background.add(entry);
    else entry.group.line(entry);
  }

  #leaveLine(entry: Entry): void {
    if (!this.#background.delete(entry)) entry.group.unline(entry);
  }

  #isWaiting(entry: Entry): boolean {
    return this.#arrivals.has(entry);
  }

  #watch(entry: Entry): void {
    const { signal } = entry.caller;
    const { longestWait } = this.#options;
    const left = () => this.#drop(entry, signal.reason);
    entry.since = performance.now();
    signal.addEventListener('abort', left, { once: true });
    const timer = longestWait === undefined ? undefined : setTimeout(() => this.#turnAway(entry), longestWait);
    entry.unwatch = () => {
      signal.removeEventListener('abort', left);
      clearTimeout(timer);
    };
    if (!isBackground(entry)) this.#askToGiveWay();
  }

  #turnAway(entry: Entry): void {
    const { full, subject } = this.#options;
    const { index } = entry.caller;
    this.#refused.set(index, (this.#refused.get(index) ?? 0) + 1);
    const largest = this.#isFull ? undefined : this.#everybody.largest();
    if (largest !== undefined) this.#tell({ full: true, largest });
    this.#drop(entry, new Refusal('limit', full, { subject, transient: true }));
  }

  #tell(crowding: Crowding): void {
    this.#isFull = crowding.full;
    this.#options.onCrowding?.(crowding);
  }

  #drop(entry: Entry, reason: unknown): void {
    this.#unline(entry);
    entry.unwatch();
    entry.unlook?.();
    entry.group.leave();
    entry.refuse(reason);
    this.#serve();
  }

  /** Gives out what is free. Whoever is next and finds too little waits for more: smaller ones do not overtake it. */
  #serve(): void {
    const { places } = this.#options;
    while (this.#arrivals.size > 0 && this.#everybody.busy < places) {
      const next = this.#nextClient() ?? this.#nextBackground();
      if (next === undefined || this.#everybody.busy + next.cost > places) return;
      this.#unline(next);
      next.unwatch();
      this.#inside.add(next);
      next.group.take(next.cost);
      next.grant(() => this.#leave(next));
      if (this.#isFull && this.#arrivals.size === 0) this.#tell({ full: false });
    }
  }

  #leave(entry: Entry): void {
    if (!this.#inside.delete(entry)) return;
    entry.unlook?.();
    entry.group.give(entry.cost);
    entry.group.leave();
    this.#serve();
  }

  /** Its caller is another party now, or of another priority. */
  #changed(entry: Entry): void {
    const wasBackground = this.#background.has(entry);
    this.#regroup(entry);
    this.#serve();
    if (wasBackground && this.#isWaiting(entry) && !isBackground(entry)) this.#askToGiveWay();
    if (this.#inside.has(entry) && isBackground(entry) && this.#everybody.waiting > 0) entry.caller.giveWay?.();
  }

  #regroup(entry: Entry): void {
    const { index, party, connection } = entry.caller;
    const group = this.#everybody.join(index, party, connection);
    const was = entry.group;
    const isInLine = !this.#background.has(entry);
    if (this.#inside.has(entry)) was.handTo(group, entry.cost);
    else if (group !== was || isInLine === isBackground(entry)) {
      this.#leaveLine(entry);
      entry.group = group;
      this.#standInLine(entry);
    }
    entry.group = group;
    // Who is in the same group joined it twice.
    was.leave();
  }

  /** A client has to wait: whoever holds a place that nobody needs any more gives it back. */
  #askToGiveWay(): void {
    for (const entry of this.#inside) if (isBackground(entry) && entry.caller.giveWay?.() === true) return;
  }

  #nextClient(): Entry | undefined {
    for (const entry of this.#background) if (!isBackground(entry)) this.#standAnew(entry);
    if (this.#everybody.waiting === 0) return undefined;
    const free = this.#options.places - this.#everybody.busy;
    for (;;) {
      const next =
        this.#everybody.next({ free, evenBeyond: false }) ?? this.#everybody.next({ free, evenBeyond: true });
      if (next === undefined || !isBackground(next)) return next;
      // The client that it is done for has left: background work again.
      this.#standAnew(next);
    }
  }

  #standAnew(entry: Entry): void {
    this.#leaveLine(entry);
    this.#standInLine(entry);
  }

  #nextBackground(): Entry | undefined {
    const free = this.#options.places - this.#everybody.busy;
    let next: Entry | undefined;
    for (const entry of this.#background)
      if (entry.group.isLeftTo(entry.cost, free) && (next === undefined || isBefore(entry, next))) next = entry;
    return next !== undefined && this.#hasRoomForBackground(next.cost) ? next : undefined;
  }

  #hasRoomForBackground(cost: number): boolean {
    const { background: limit = Number.POSITIVE_INFINITY } = this.#options.shares ?? {};
    let held = 0;
    for (const entry of this.#inside) if (isBackground(entry)) held += entry.cost;
    return held === 0 || held + cost <= limit;
  }

  /** Of a queue with one too many: the newest background work, else the newest client of whoever has most waiting. */
  #lastInLine(newcomer: Entry): Entry {
    return this.#background.last ?? this.#everybody.newest(newcomer.group) ?? newcomer;
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
  leaving.abort('not free, and no error with a stack');
  return entering.catch(() => undefined);
}
