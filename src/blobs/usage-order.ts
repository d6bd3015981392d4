/** Where a blob stands: used once, used again, or spared from eviction. */
export type Segment = 'probation' | 'main' | 'kept';

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
}

export interface Victim {
  readonly sha256: string;
  readonly size: number;
  readonly segment: Segment;
}

interface Members {
  /** From before the start, oldest first; then those of this run. Bytes by sha256. */
  readonly old: Map<string, number>;
  readonly fresh: Map<string, number>;
  bytes: number;
}

const SEGMENTS: readonly Segment[] = ['probation', 'main', 'kept'];

/**
 * What is stored and in which order it was used: our own record, because a filesystem's times lie (noatime, copies).
 * A segmented LRU: when room is short, blobs used once may fill `probationShare` of the limit, so that a crawl evicts itself.
 * Invariant: a blob is in exactly one segment, and is counted there once.
 */
export class UsageOrder {
  readonly #segments: Readonly<Record<Segment, Members>> = { probation: empty(), main: empty(), kept: empty() };
  readonly #keptBy = new Map<string, string>();
  readonly #maxBytes: number;
  readonly #probationShare: number;

  constructor(maxBytes: number, probationShare: number) {
    this.#maxBytes = maxBytes;
    this.#probationShare = probationShare;
  }

  has(sha256: string): boolean {
    return this.#sizeOf(sha256) !== undefined;
  }

  /** A fill: begins in probation. */
  added(sha256: string, size: number): void {
    this.#put(this.#take(sha256) ?? 'probation', sha256, size);
  }

  /** A use: a second one leaves probation. */
  used(sha256: string, size: number): void {
    const was = this.#take(sha256);
    this.#put(was === undefined ? 'probation' : was === 'kept' ? 'kept' : 'main', sha256, size);
  }

  /** Found by the scan at start: older than everything used since. */
  found({ sha256, segment, keptBy }: Used, size: number): void {
    if (keptBy !== undefined && segment === 'kept') this.#keptBy.set(sha256, keptBy);
    if (!this.has(sha256)) {
      this.#put(segment, sha256, size, 'old');
      return;
    }
    // Used since start, before the scan came by: what it was before still counts.
    if (segment === 'probation') return;
    const was = this.#take(sha256);
    this.#put(was === 'kept' ? was : segment, sha256, size);
  }

  /** Spares it from eviction, or no longer; false where it is not stored. */
  keep(sha256: string, by: string | undefined): boolean {
    const size = this.#sizeOf(sha256);
    if (size === undefined) return false;
    const was = this.#take(sha256);
    if (by === undefined) this.#keptBy.delete(sha256);
    else this.#keptBy.set(sha256, by);
    this.#put(by !== undefined ? 'kept' : was === 'probation' ? was : 'main', sha256, size);
    return true;
  }

  removed(sha256: string): void {
    this.#take(sha256);
    this.#keptBy.delete(sha256);
  }

  usage(): Usage {
    return {
      blobs: SEGMENTS.reduce((sum, name) => sum + this.#segments[name].old.size + this.#segments[name].fresh.size, 0),
      bytes: this.#bytes(),
      keptBytes: this.#segments.kept.bytes,
      limit: this.#maxBytes,
    };
  }

  /** Least recently used first, a segment at a time. */
  *entries(): Generator<Used> {
    for (const segment of SEGMENTS)
      for (const map of [this.#segments[segment].old, this.#segments[segment].fresh])
        for (const sha256 of map.keys()) yield { sha256, segment, keptBy: this.#keptBy.get(sha256) };
  }

  /** What should go next, or undefined while within the limit (or while nothing may go). */
  victim(spare: (sha256: string) => boolean, room = 0): Victim | undefined {
    if (this.#bytes() + room <= this.#maxBytes) return undefined;
    const crowded = this.#segments.probation.bytes > this.#maxBytes * this.#probationShare;
    const [first, second] = crowded ? (['probation', 'main'] as const) : (['main', 'probation'] as const);
    return this.#oldest(first, spare) ?? this.#oldest(second, spare);
  }

  #oldest(segment: Segment, spare: (sha256: string) => boolean): Victim | undefined {
    for (const map of [this.#segments[segment].old, this.#segments[segment].fresh])
      for (const [sha256, size] of map) if (!spare(sha256)) return { sha256, size, segment };
    return undefined;
  }

  #bytes(): number {
    return SEGMENTS.reduce((sum, name) => sum + this.#segments[name].bytes, 0);
  }

  #sizeOf(sha256: string): number | undefined {
    for (const name of SEGMENTS) {
      const size = this.#segments[name].fresh.get(sha256) ?? this.#segments[name].old.get(sha256);
      if (size !== undefined) return size;
    }
    return undefined;
  }

  #take(sha256: string): Segment | undefined {
    for (const name of SEGMENTS) {
      const { old, fresh } = this.#segments[name];
      const size = fresh.get(sha256) ?? old.get(sha256);
      if (size === undefined) continue;
      fresh.delete(sha256);
      old.delete(sha256);
      this.#segments[name].bytes -= size;
      return name;
    }
    return undefined;
  }

  #put(segment: Segment, sha256: string, size: number, from: 'old' | 'fresh' = 'fresh'): void {
    this.#segments[segment][from].set(sha256, size);
    this.#segments[segment].bytes += size;
  }
}

function empty(): Members {
  return { old: new Map(), fresh: new Map(), bytes: 0 };
}
