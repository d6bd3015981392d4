import { Crowds } from './crowds.ts';
import { Line } from './line.ts';

/** Places that are kept free for whoever holds little: the last `places` go to nobody who would hold more than `each`. */
export interface Kept {
  readonly places: number;
  readonly each: number;
}

/** In places. */
export interface GroupLimits {
  /** The most that one index, one party of it, one connection of that may hold where another waits. */
  readonly index?: number | undefined;
  readonly party?: number | undefined;
  readonly connection?: number | undefined;
  /** What an index, or a party of it, finds free however slow the others are. */
  readonly kept?: { readonly index?: Kept | undefined; readonly party?: Kept | undefined } | undefined;
}

/** What there is to give out. */
export interface Room {
  /** Places. */
  readonly free: number;
  /** Also to those beyond their share. */
  readonly evenBeyond: boolean;
}

const LEVELS = ['index', 'party', 'connection'] as const;

/** What the groups know of whoever waits or holds places. */
interface Member {
  /** Places. */
  readonly cost: number;
}

/** Whoever holds or waits for most. */
export interface Largest {
  readonly index: string;
  readonly party: string;
  readonly busy: number;
  readonly waiting: number;
}

/**
 * Everybody at a gate; within, an index, a party of it, a connection of that. A group is there as long as it has members,
 * who wait or hold places: of others nothing is remembered, so that strangers leave nothing behind. Invariant: inner groups
 * that were given a place stand in the order of their last one, so that the next is found without comparing all who wait.
 */
export class Group<M extends Member> {
  readonly #parent: Group<M> | undefined;
  /** From this one up to everybody. */
  readonly #path: readonly Group<M>[];
  readonly #key: unknown;
  readonly #limits: GroupLimits;
  readonly #limit: number;
  readonly #kept: Kept | undefined;
  readonly #inner = new Map<unknown, Group<M>>();
  /** Inner ones that were never given a place, in order of arrival: they are next. */
  readonly #new = new Line<Group<M>>();
  /** The other inner ones, whose last turn was longest ago first. */
  readonly #served = new Line<Group<M>>();
  readonly #crowds = new Crowds<Group<M>>();
  readonly #level: number;
  #members = 0;
  /** Of a connection: its members that wait in line, in order of arrival. */
  readonly #line = new Line<M>();
  #waiting = 0;
  /** Places held. */
  #busy = 0;
  /** When it was last given a place, counted in places given out; 0 where never. */
  #turn = 0;

  private constructor(parent: Group<M> | undefined, key: unknown, limits: GroupLimits) {
    this.#parent = parent;
    this.#path = parent === undefined ? [this] : [this, ...parent.#path];
    this.#key = key;
    this.#limits = limits;
    this.#level = this.#path.length - 1;
    const level = LEVELS[this.#level - 1];
    this.#limit = (level && limits[level]) ?? Number.POSITIVE_INFINITY;
    this.#kept = level === undefined || level === 'connection' ? undefined : limits.kept?.[level];
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
      if (each.#members === 0 && each.#parent !== undefined) each.#parent.#forget(each);
    }
  }

  line(member: M): void {
    this.#line.add(member);
    for (const each of this.#path) each.#wait(1);
  }

  /** False where it is not in line. */
  unline(member: M): boolean {
    if (!this.#line.delete(member)) return false;
    for (const each of this.#path) each.#wait(-1);
    return true;
  }

  isInLine(member: M): boolean {
    return this.#line.has(member);
  }

  take(cost: number): void {
    const [everybody = this] = this.#path.slice(-1);
    const turn = everybody.#turn + 1;
    for (const each of this.#path) {
      each.#busy += cost;
      each.#turn = turn;
      const parent = each.#parent;
      if (parent === undefined) continue;
      parent.#new.delete(each);
      parent.#served.delete(each);
      parent.#served.add(each);
    }
  }

  give(cost: number): void {
    for (const each of this.#path) each.#busy -= cost;
  }

  /** Places that change hands without a turn: those of work that is somebody else's by now. */
  handTo(other: Group<M>, cost: number): void {
    this.give(cost);
    for (const each of other.#path) each.#busy += cost;
  }

  /** Whoever holds nothing is never beyond its share, however much it asks for. */
  isBeyondShare(cost: number): boolean {
    return this.#path.some((each) => each.#exceeds(cost));
  }

  /** False where so much is not left that what is kept for those who hold less stays free. */
  isLeftTo(cost: number, free: number): boolean {
    const needed = this.#needed(cost);
    const [everybody = this] = this.#path.slice(-1);
    return needed === 0 || everybody.#busy === 0 || free - cost >= needed;
  }

  /** Of all in line the one whose groups had their last turn longest ago, among those that may have what there is. */
  next(room: Room): M | undefined {
    if (this.#level === LEVELS.length) {
      const { first } = this.#line;
      if (first === undefined || !this.isLeftTo(first.cost, room.free)) return undefined;
      return !room.evenBeyond && this.isBeyondShare(first.cost) ? undefined : first;
    }
    for (const groups of [this.#new, this.#served])
      for (const group of groups) {
        if (group.#waiting === 0 || !group.#mayHave(room)) continue;
        const found = group.next(room);
        if (found !== undefined) return found;
      }
    return undefined;
  }

  /** The newest in line of whoever has most in it; where several have as many, of those that `newcomer` is one of. */
  newest(newcomer: Group<M>): M | undefined {
    if (this.#level === LEVELS.length) return this.#line.last;
    const own = newcomer.#path.find((each) => each.#parent === this);
    const most = own !== undefined && own.#waiting === this.#crowds.most ? own : this.#crowds.largest;
    return most?.newest(newcomer);
  }

  /** The party that holds and waits for most. */
  largest(): Largest | undefined {
    let found: Largest | undefined;
    for (const index of this.#inner.values())
      for (const party of index.#inner.values()) {
        const size = party.#busy + party.#waiting;
        if (found !== undefined && size <= found.busy + found.waiting) continue;
        found = { index: String(index.#key), party: String(party.#key), busy: party.#busy, waiting: party.#waiting };
      }
    return found;
  }

  /** Whether its turn comes before another's, because its last one was longer ago. */
  isBefore(other: Group<M>): boolean | undefined {
    const outer = this.#parent === other.#parent ? undefined : this.#parent?.isBefore(other.#parent ?? other);
    if (outer !== undefined) return outer;
    return this.#turn === other.#turn ? undefined : this.#turn < other.#turn;
  }

  #exceeds(cost: number): boolean {
    return this.#busy > 0 && this.#busy + cost > this.#limit;
  }

  /** Places that have to be free when one of its members has got so many: what is kept for others. */
  #needed(cost: number): number {
    const parent = this.#parent;
    if (parent === undefined) return 0;
    const own = this.#kept === undefined || this.#busy + cost <= this.#kept.each ? 0 : this.#kept.places;
    const outer = parent.#needed(cost);
    // Of the places that an index can count on, one party of it may take most.
    return outer === 0 && parent.#kept !== undefined ? Math.min(own, kept(parent.#kept.each)) : outer + own;
  }

  /** False where none of its members may have what there is, whoever they are; each of them is judged by itself as well. */
  #mayHave({ free, evenBeyond }: Room): boolean {
    const [everybody = this] = this.#path.slice(-1);
    return (evenBeyond || !this.#exceeds(1)) && (everybody.#busy === 0 || free > this.#needed(1));
  }

  #wait(more: 1 | -1): void {
    const parent = this.#parent;
    if (parent !== undefined) parent.#crowds.move(this, this.#waiting, this.#waiting + more);
    this.#waiting += more;
  }

  #within(key: unknown): Group<M> {
    const known = this.#inner.get(key);
    if (known !== undefined) return known;
    const group = new Group<M>(this, key, this.#limits);
    this.#inner.set(key, group);
    this.#new.add(group);
    return group;
  }

  #forget(group: Group<M>): void {
    this.#inner.delete(group.#key);
    this.#new.delete(group);
    this.#served.delete(group);
  }
}

/** Of so many places of an index, those that are for parties of it that hold little. */
function kept(each: number): number {
  return Math.ceil(each / 4);
}
