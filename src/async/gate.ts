import { Refusal, type Subject } from '../bytes/refusal.ts';
import { type Caller, withSignal } from './caller.ts';

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

/** In places. */
export interface ShareLimits {
  /** What one index, one party of it, one connection of that may hold while somebody else waits; alone it may take all. */
  readonly index?: number | undefined;
  readonly party?: number | undefined;
  readonly connection?: number | undefined;
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

/** An index, a party of it, or a connection of that, as long as it waits for places or holds some. */
interface Group {
  readonly key: unknown;
  readonly parent: Group | undefined;
  readonly inner: Map<unknown, Group>;
  /** Places held. */
  busy: number;
  waiting: number;
  /** The number of its last place; 0 where it had none: it is next. */
  served: number;
}

type Groups = readonly [index: Group, party: Group, connection: Group];

interface Entry {
  readonly caller: Caller;
  readonly cost: number;
  readonly groups: Groups;
  readonly grant: (leave: () => void) => void;
  readonly refuse: (reason: unknown) => void;
  /** Ends what watches it while it waits. */
  unwatch: () => void;
}

/**
 * Invariant: whoever waits could not be given a place at the last change. So everything that changes what is free or who
 * waits ends in `serve`. A place is handed on in the same step in which it is given back: nobody slips in between.
 */
class FairGate implements Gate {
  readonly #options: GateOptions;
  readonly #all = groupIn(undefined, undefined);
  /** In order of arrival. */
  readonly #waiting = new Set<Entry>();
  readonly #inside = new Set<Entry>();
  #served = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  get usage(): Gate['usage'] {
    return { busy: this.#all.busy, waiting: this.#waiting.size };
  }

  enter(caller: Caller, cost = 1): Promise<() => void> {
    if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`${cost} is no number of places`);
    if (caller.signal.aborted) return Promise.reject(caller.signal.reason);
    return new Promise((grant, refuse) => {
      const groups = this.#groupsOf(caller);
      // One that costs more than there is takes all there is.
      const own = Math.min(cost, this.#options.places);
      const entry: Entry = { caller, cost: own, groups, grant, refuse, unwatch: () => undefined };
      this.#waiting.add(entry);
      for (const group of groups) group.waiting++;
      this.#serve();
      if (this.#waiting.size > this.#options.queue && this.#waiting.has(entry)) this.#turnAway(this.#lastInLine());
      if (this.#waiting.has(entry)) this.#watch(entry);
    });
  }

  #groupsOf({ index, party, connection }: Caller): Groups {
    const ofIndex = groupIn(this.#all, index);
    const ofParty = groupIn(ofIndex, party);
    return [ofIndex, ofParty, groupIn(ofParty, connection)];
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
    this.#stopWaiting(entry);
    forgetIdle(entry.groups);
    entry.refuse(reason);
    this.#serve();
  }

  #stopWaiting(entry: Entry): void {
    this.#waiting.delete(entry);
    entry.unwatch();
    for (const group of entry.groups) group.waiting--;
  }

  /** Gives out what is free. Whoever is next and finds too little waits for more: smaller ones do not overtake it. */
  #serve(): void {
    while (this.#waiting.size > 0 && this.#all.busy < this.#options.places) {
      const next = this.#next();
      if (next === undefined || this.#all.busy + next.cost > this.#options.places) return;
      this.#stopWaiting(next);
      this.#inside.add(next);
      this.#served++;
      this.#all.busy += next.cost;
      for (const group of next.groups) {
        group.busy += next.cost;
        group.served = this.#served;
      }
      next.grant(() => this.#leave(next));
    }
  }

  #leave(entry: Entry): void {
    if (!this.#inside.delete(entry)) return;
    this.#all.busy -= entry.cost;
    for (const group of entry.groups) group.busy -= entry.cost;
    forgetIdle(entry.groups);
    this.#serve();
  }

  #next(): Entry | undefined {
    let best: Entry | undefined;
    let bestRank = 0;
    for (const entry of this.#waiting) {
      const rank = (isBackground(entry) ? 2 : 0) + (this.#isBeyondShare(entry) ? 1 : 0);
      if (best !== undefined && (rank > bestRank || (rank === bestRank && !isServedBefore(entry, best)))) continue;
      best = entry;
      bestRank = rank;
    }
    return best !== undefined && isBackground(best) && !this.#hasRoomForBackground(best.cost) ? undefined : best;
  }

  /** Whoever holds nothing is never beyond its share, however much it asks for. */
  #isBeyondShare({ groups: [index, party, connection], cost }: Entry): boolean {
    const { shares } = this.#options;
    if (shares === undefined) return false;
    const isBeyond = ({ busy }: Group, limit: number | undefined) =>
      limit !== undefined && busy > 0 && busy + cost > limit;
    return isBeyond(index, shares.index) || isBeyond(party, shares.party) || isBeyond(connection, shares.connection);
  }

  #hasRoomForBackground(cost: number): boolean {
    const limit = this.#options.shares?.background;
    if (limit === undefined) return true;
    let held = 0;
    for (const entry of this.#inside) if (isBackground(entry)) held += entry.cost;
    return held === 0 || held + cost <= limit;
  }

  /** Of a queue with one too many: background work first, then whoever has most waiting; of those the newest. */
  #lastInLine(): Entry {
    const [first, ...others] = this.#waiting;
    if (first === undefined) throw new Error('nobody waits');
    return others.reduce((last, entry) => (isTurnedAwayBefore(last, entry) ? last : entry), first);
  }
}

function isBackground({ caller }: Entry): boolean {
  return caller.priority === 'background';
}

/** Whose turn came longer ago; the earlier of two that never had one, or of the same connection, stays first. */
function isServedBefore(one: Entry, first: Entry): boolean {
  for (const [level, group] of one.groups.entries()) {
    const other = first.groups[level];
    if (other !== undefined && group.served !== other.served) return group.served < other.served;
  }
  return false;
}

function isTurnedAwayBefore(one: Entry, later: Entry): boolean {
  if (isBackground(one) !== isBackground(later)) return isBackground(one);
  for (const [level, group] of one.groups.entries()) {
    const other = later.groups[level];
    if (other !== undefined && group.waiting !== other.waiting) return group.waiting > other.waiting;
  }
  return false;
}

/** The group of that name within another; made where there is none. */
function groupIn(parent: Group | undefined, key: unknown): Group {
  const known = parent?.inner.get(key);
  if (known !== undefined) return known;
  const group: Group = { key, parent, inner: new Map(), busy: 0, waiting: 0, served: 0 };
  parent?.inner.set(key, group);
  return group;
}

/** A group that neither holds nor waits is gone, and with it the memory of its turns: strangers leave nothing behind. */
function forgetIdle(groups: Groups): void {
  for (const { key, parent, busy, waiting } of groups) if (busy === 0 && waiting === 0) parent?.inner.delete(key);
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
