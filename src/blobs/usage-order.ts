import type { Budget } from './budgets.ts';
import type { Touched } from './pruning/touched.ts';
import { SEGMENTS, type Segment, Shelf } from './shelf.ts';

export interface Usage {
  readonly blobs: number;
  readonly bytes: number;
  readonly keptBytes: number;
  readonly limit: number;
}

/** A blob in the order of use. */
export interface Used {
  readonly sha256: string;
  readonly segment: Segment;
  /** Why it is kept, where it is. */
  readonly keptBy: string | undefined;
  /** For which index it is counted: the first that had it. Undefined where nobody knows any more. */
  readonly index: string | undefined;
}

export interface Victim extends Pick<Used, 'sha256' | 'segment' | 'index'> {
  readonly size: number;
}

interface UsageOrderOptions {
  readonly maxBytes: number;
  readonly probationShare: number;
  /** By index; where there are none all is one. */
  readonly budgets?: ReadonlyMap<string, Budget> | undefined;
}

const NONE: Budget = { share: 0, most: Number.POSITIVE_INFINITY };

/**
 * What is stored and in which order it was used: our own record, because a filesystem's times lie (noatime, copies).
 * A segmented LRU for each index: when room is short, whoever is furthest beyond its share makes it, and of its blobs those
 * used once may fill `probationShare` of that, so that a crawl evicts itself. Invariant: a blob is on one shelf.
 */
export class UsageOrder {
  readonly #shelves = new Map<string | undefined, Shelf>();
  readonly #shelfOf = new Map<string, Shelf>();
  readonly #keptBy = new Map<string, string>();
  readonly #maxBytes: number;
  readonly #probationShare: number;
  readonly #budgets: ReadonlyMap<string, Budget>;
  /** Where there is one index alone, everything is its own. */
  readonly #only: string | undefined;
  #removals = 0;
  #watching: Touched | undefined;

  constructor({ maxBytes, probationShare, budgets = new Map() }: UsageOrderOptions) {
    this.#maxBytes = maxBytes;
    this.#probationShare = probationShare;
    this.#budgets = budgets;
    const [only] = budgets.keys();
    this.#only = budgets.size === 1 ? only : undefined;
  }

  /** How often a blob went. */
  get removals(): number {
    return this.#removals;
  }

  has(sha256: string): boolean {
    return this.#shelfOf.has(sha256);
  }

  /** What is stored, used or kept from now on is told; undefined: nobody is told any more. */
  watch(touched: Touched | undefined): void {
    this.#watching = touched;
  }

  /** A fill: begins in probation. */
  added(sha256: string, size: number, index: string | undefined): void {
    this.#watching?.add(sha256);
    this.#move(sha256, size, index, (was) => was ?? 'probation');
  }

  /** A use: a second one leaves probation. */
  used(sha256: string, size: number, index: string | undefined): void {
    this.#watching?.add(sha256);
    this.#move(sha256, size, index, (was) => (was === undefined ? 'probation' : was === 'kept' ? 'kept' : 'main'));
  }

  /** Found by the scan at start: older than everything used since. */
  found({ sha256, segment, keptBy, index }: Used, size: number): void {
    if (keptBy !== undefined && segment === 'kept') this.#keptBy.set(sha256, keptBy);
    if (!this.has(sha256)) {
      this.#put(this.#shelf(index), sha256, { segment, size, from: 'old' });
      return;
    }
    // Used since start, before the scan came by: what it was before still counts.
    if (segment !== 'probation') this.#move(sha256, size, index, (was) => (was === 'kept' ? was : segment));
  }

  /** Why it is spared from eviction; undefined where it is not. */
  keptBy(sha256: string): string | undefined {
    return this.#keptBy.get(sha256);
  }

  /** Spares it from eviction, or no longer; false where it is not stored. */
  keep(sha256: string, by: string | undefined): boolean {
    const shelf = this.#shelfOf.get(sha256);
    const size = shelf?.sizeOf(sha256);
    if (size === undefined) return false;
    const was = shelf?.take(sha256);
    if (by !== undefined) this.#watching?.add(sha256);
    if (by === undefined) this.#keptBy.delete(sha256);
    else this.#keptBy.set(sha256, by);
    shelf?.put(by !== undefined ? 'kept' : was === 'probation' ? was : 'main', sha256, size);
    return true;
  }

  /** Bytes; undefined where it is not stored. */
  sizeOf(sha256: string): number | undefined {
    return this.#shelfOf.get(sha256)?.sizeOf(sha256);
  }

  removed(sha256: string): void {
    this.#shelfOf.get(sha256)?.take(sha256);
    if (this.#shelfOf.delete(sha256)) this.#removals++;
    this.#keptBy.delete(sha256);
  }

  usage(): Usage {
    const sum = (of: (shelf: Shelf) => number) => [...this.#shelves.values()].reduce((all, one) => all + of(one), 0);
    return {
      blobs: this.#shelfOf.size,
      bytes: this.#bytes(),
      keptBytes: sum((shelf) => shelf.bytesOf('kept')),
      limit: this.#maxBytes,
    };
  }

  /** Bytes counted for each index. */
  held(): ReadonlyMap<string, number> {
    return new Map([...this.#budgets.keys()].map((index) => [index, this.#shelves.get(index)?.bytes ?? 0]));
  }

  /** Of all that is stored, in no order. */
  names(): Iterable<string> {
    return this.#shelfOf.keys();
  }

  /** Least recently used first, an index and a segment at a time. */
  *entries(): Generator<Used> {
    for (const [index, shelf] of this.#shelves)
      for (const segment of SEGMENTS)
        for (const sha256 of shelf.namesIn(segment)) yield { sha256, segment, keptBy: this.#keptBy.get(sha256), index };
  }

  /** What should go next, or undefined while within the limits (or while nothing may go). */
  victim(spare: (sha256: string) => boolean, room = 0): Victim | undefined {
    const isShort = this.#bytes() + room > this.#maxBytes;
    const crowded = [...this.#shelves]
      .map(([index, shelf]) => ({ index, shelf, budget: this.#budgetOf(index), bytes: shelf.bytes }))
      .filter(({ budget, bytes }) => isShort || bytes > budget.most)
      .sort((a, b) => b.bytes - b.budget.share - (a.bytes - a.budget.share));
    for (const { index, shelf, budget } of crowded) {
      const isCrawled = shelf.bytesOf('probation') > budget.share * this.#probationShare;
      for (const segment of isCrawled ? (['probation', 'main'] as const) : (['main', 'probation'] as const)) {
        const found = shelf.oldest(segment, spare);
        if (found !== undefined) return { sha256: found[0], size: found[1], segment, index };
      }
    }
    return undefined;
  }

  #budgetOf(index: string | undefined): Budget {
    if (this.#budgets.size === 0) return { ...NONE, share: this.#maxBytes };
    return (index !== undefined && this.#budgets.get(index)) || NONE;
  }

  #bytes(): number {
    let bytes = 0;
    for (const shelf of this.#shelves.values()) bytes += shelf.bytes;
    return bytes;
  }

  #shelf(index: string | undefined): Shelf {
    const name = index ?? this.#only;
    const known = this.#shelves.get(name);
    if (known !== undefined) return known;
    const shelf = new Shelf();
    this.#shelves.set(name, shelf);
    return shelf;
  }

  /** It stays where it is counted, unless nobody knew for whom. */
  #move(sha256: string, size: number, index: string | undefined, next: (was: Segment | undefined) => Segment): void {
    const shelf = this.#shelfOf.get(sha256);
    const was = shelf?.take(sha256);
    const isNobodys = shelf === undefined || shelf === this.#shelves.get(undefined);
    this.#put(isNobodys ? this.#shelf(index) : shelf, sha256, { segment: next(was), size, from: 'fresh' });
  }

  #put(
    shelf: Shelf,
    sha256: string,
    { segment, size, from }: { readonly segment: Segment; readonly size: number; readonly from: 'old' | 'fresh' },
  ): void {
    shelf.put(segment, sha256, size, from);
    this.#shelfOf.set(sha256, shelf);
  }
}
