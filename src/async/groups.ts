/** The most places that one index, one party of it, one connection of that may hold where another waits. */
export interface GroupLimits {
  readonly index?: number | undefined;
  readonly party?: number | undefined;
  readonly connection?: number | undefined;
}

const LEVELS = ['index', 'party', 'connection'] as const;

/** What the groups know of whoever waits or holds places. */
interface Member {
  /** Places. */
  readonly cost: number;
}

/**
 * Everybody at a gate; within, an index, a party of it, a connection of that. A group is there as long as it has members,
 * who wait or hold places: of others nothing is remembered, so that strangers leave nothing behind.
 */
export class Group<M extends Member> {
  readonly #parent: Group<M> | undefined;
  /** From this one up to everybody. */
  readonly #path: readonly Group<M>[];
  readonly #key: unknown;
  readonly #limits: GroupLimits;
  readonly #inner = new Map<unknown, Group<M>>();
  readonly #level: number;
  #members = 0;
  /** Of a connection: its members that wait in line, in order of arrival. */
  readonly #line = new Set<M>();
  #waiting = 0;
  /** Places held. */
  #busy = 0;
  /** When it was last given a place, counted in places given out; 0 where never: it is next. */
  #served = 0;

  private constructor(parent: Group<M> | undefined, key: unknown, limits: GroupLimits) {
    this.#parent = parent;
    this.#path = parent === undefined ? [this] : [this, ...parent.#path];
    this.#key = key;
    this.#limits = limits;
    this.#level = this.#path.length - 1;
  }

  static everybody<M extends Member>(limits: GroupLimits): Group<M> {
    return new Group<M>(undefined, undefined, limits);
  }

  /** Members in line, here and within. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Places held, here and within. */
  get busy(): number {
    return this.#busy;
  }

  /** The group of a connection; whoever asks for it joins it. */
  join(index: string, party: string, connection: unknown): Group<M> {
    const group = this.#within(index).#within(party).#within(connection);
    for (const each of group.#path) each.#members++;
    return group;
  }

  /** One member fewer. */
  leave(): void {
    for (const each of this.#path) {
      each.#members--;
      if (each.#members === 0 && each.#parent !== undefined) each.#parent.#inner.delete(each.#key);
    }
  }

  line(member: M): void {
    this.#line.add(member);
    for (const each of this.#path) each.#waiting++;
  }

  /** False where it is not in line. */
  unline(member: M): boolean {
    if (!this.#line.delete(member)) return false;
    for (const each of this.#path) each.#waiting--;
    return true;
  }

  isInLine(member: M): boolean {
    return this.#line.has(member);
  }

  take(cost: number): void {
    const [everybody = this] = this.#path.slice(-1);
    const number = everybody.#served + 1;
    for (const each of this.#path) {
      each.#busy += cost;
      each.#served = number;
    }
  }

  give(cost: number): void {
    for (const each of this.#path) each.#busy -= cost;
  }

  /** Whoever holds nothing is never beyond its share, however much it asks for. */
  isBeyondShare(cost: number): boolean {
    for (const each of this.#path) {
      const level = LEVELS[each.#level - 1];
      const limit = level && this.#limits[level];
      if (limit !== undefined && each.#busy > 0 && each.#busy + cost > limit) return true;
    }
    return false;
  }

  /** Of all in line the one whose groups had their last turn longest ago; `evenBeyond`: also beyond its share. */
  next(evenBeyond: boolean): M | undefined {
    if (this.#level === LEVELS.length) {
      const [first] = this.#line;
      return first === undefined || (!evenBeyond && this.isBeyondShare(first.cost)) ? undefined : first;
    }
    let next: M | undefined;
    let served = Number.POSITIVE_INFINITY;
    for (const group of this.#inner.values()) {
      if (group.#waiting === 0 || group.#served >= served) continue;
      const found = group.next(evenBeyond);
      if (found === undefined) continue;
      next = found;
      served = group.#served;
    }
    return next;
  }

  /** The newest in line of whoever has most in it; where several have as many, of those that `newcomer` is one of. */
  newest(newcomer: Group<M>): M | undefined {
    if (this.#level === LEVELS.length) return [...this.#line].at(-1);
    let most: Group<M> | undefined;
    for (const each of newcomer.#path) if (each.#parent === this) most = each;
    for (const group of this.#inner.values()) if (most === undefined || group.#waiting > most.#waiting) most = group;
    return most?.newest(newcomer);
  }

  /** Whether its turn comes before another's, because its last one was longer ago. */
  isBefore(other: Group<M>): boolean | undefined {
    const outer = this.#parent === other.#parent ? undefined : this.#parent?.isBefore(other.#parent ?? other);
    if (outer !== undefined) return outer;
    return this.#served === other.#served ? undefined : this.#served < other.#served;
  }

  #within(key: unknown): Group<M> {
    const known = this.#inner.get(key);
    if (known !== undefined) return known;
    const group = new Group<M>(this, key, this.#limits);
    this.#inner.set(key, group);
    return group;
  }
}
