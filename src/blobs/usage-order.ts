/** Where a blob stands: used once, used again, or spared from eviction. */
export type Place = 'probation' | 'main' | 'kept';

export interface Usage {
  readonly blobs: number;
  readonly bytes: number;
  readonly keptBytes: number;
  readonly limit: number;
}

/** What is held and in which order it was used: our own record, because a filesystem's times lie (noatime, copies). */
export interface Shelf {
  has(sha256: string): boolean;
  /** A fill: begins in probation. */
  added(sha256: string, size: number): void;
  /** A use: a second one leaves probation. */
  used(sha256: string, size: number): void;
  /** Found on disk by the scan at start: older than everything used since. */
  found(sha256: string, size: number, place: Place): void;
  keep(sha256: string, on: boolean): boolean;
  removed(sha256: string): void;
  usage(): Usage;
  /** Least recently used first, a place at a time. */
  entries(): Iterable<readonly [string, Place]>;
  /** What should go next, or undefined while within the limit (or while nothing may go). */
  victim(
    spare: (sha256: string) => boolean,
    room?: number,
  ): { readonly sha256: string; readonly size: number; readonly place: Place } | undefined;
}

interface Segment {
  /** From before the start, oldest first; then those of this run. */
  readonly old: Map<string, number>;
  readonly fresh: Map<string, number>;
  bytes: number;
}

const PLACES: readonly Place[] = ['probation', 'main', 'kept'];

/** A segmented LRU: new blobs may hold `probationShare` of `maxBytes` when room is short, so that a crawl evicts itself. */
export function createShelf(maxBytes: number, probationShare: number): Shelf {
  const segments: Readonly<Record<Place, Segment>> = { probation: segment(), main: segment(), kept: segment() };

  const take = (sha256: string): Place | undefined => {
    for (const place of PLACES) {
      const { old, fresh } = segments[place];
      const size = fresh.get(sha256) ?? old.get(sha256);
      if (size === undefined) continue;
      fresh.delete(sha256);
      old.delete(sha256);
      segments[place].bytes -= size;
      return place;
    }
    return undefined;
  };
  const put = (place: Place, sha256: string, size: number, from: 'old' | 'fresh' = 'fresh') => {
    segments[place][from].set(sha256, size);
    segments[place].bytes += size;
  };
  const sizeOf = (sha256: string): number | undefined => {
    for (const place of PLACES) {
      const size = segments[place].fresh.get(sha256) ?? segments[place].old.get(sha256);
      if (size !== undefined) return size;
    }
    return undefined;
  };
  const total = () => segments.probation.bytes + segments.main.bytes + segments.kept.bytes;
  const oldest = (place: Place, spare: (sha256: string) => boolean) => {
    for (const map of [segments[place].old, segments[place].fresh])
      for (const [sha256, size] of map) if (!spare(sha256)) return { sha256, size, place };
    return undefined;
  };

  return {
    has: (sha256) => sizeOf(sha256) !== undefined,
    added(sha256, size) {
      const was = take(sha256);
      put(was ?? 'probation', sha256, size);
    },
    used(sha256, size) {
      const was = take(sha256);
      put(was === 'kept' ? 'kept' : was === undefined ? 'probation' : 'main', sha256, size);
    },
    found(sha256, size, place) {
      if (sizeOf(sha256) === undefined) return put(place, sha256, size, 'old');
      // Used since start, before the scan came by: what it was before still counts.
      if (place === 'probation') return;
      const was = take(sha256);
      put(was === 'kept' ? was : place, sha256, size);
    },
    keep(sha256, on) {
      const size = sizeOf(sha256);
      if (size === undefined) return false;
      const was = take(sha256);
      put(on ? 'kept' : was === 'kept' || was === undefined ? 'main' : was, sha256, size);
      return true;
    },
    removed: (sha256) => {
      take(sha256);
    },
    usage: () => ({
      blobs: PLACES.reduce((sum, place) => sum + segments[place].old.size + segments[place].fresh.size, 0),
      bytes: total(),
      keptBytes: segments.kept.bytes,
      limit: maxBytes,
    }),
    *entries() {
      for (const place of PLACES)
        for (const map of [segments[place].old, segments[place].fresh])
          for (const sha256 of map.keys()) yield [sha256, place];
    },
    victim(spare, room = 0) {
      if (total() + room <= maxBytes) return undefined;
      const crowded = segments.probation.bytes > maxBytes * probationShare;
      const [first, second]: readonly Place[] = crowded ? ['probation', 'main'] : ['main', 'probation'];
      return (first && oldest(first, spare)) ?? (second && oldest(second, spare));
    },
  };
}

function segment(): Segment {
  return { old: new Map(), fresh: new Map(), bytes: 0 };
}
