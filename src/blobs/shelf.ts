/** Where a blob stands: used once, used again, or spared from eviction. */
export type Segment = 'probation' | 'main' | 'kept';

export const SEGMENTS: readonly Segment[] = ['probation', 'main', 'kept'];

interface Members {
  /** From before the start, oldest first; then those of this run. Bytes by sha256. */
  readonly old: Map<string, number>;
  readonly fresh: Map<string, number>;
  bytes: number;
}

/** The blobs that are counted for one index, in the order of use. Invariant: a blob is in one segment, and counted once. */
export class Shelf {
  readonly #segments: Readonly<Record<Segment, Members>> = { probation: empty(), main: empty(), kept: empty() };

  get blobs(): number {
    return SEGMENTS.reduce((sum, name) => sum + this.#segments[name].old.size + this.#segments[name].fresh.size, 0);
  }

  get bytes(): number {
    return SEGMENTS.reduce((sum, name) => sum + this.#segments[name].bytes, 0);
  }

  bytesOf(segment: Segment): number {
    return this.#segments[segment].bytes;
  }

  sizeOf(sha256: string): number | undefined {
    for (const name of SEGMENTS) {
      const size = this.#segments[name].fresh.get(sha256) ?? this.#segments[name].old.get(sha256);
      if (size !== undefined) return size;
    }
    return undefined;
  }

  put(segment: Segment, sha256: string, size: number, from: 'old' | 'fresh' = 'fresh'): void {
    this.#segments[segment][from].set(sha256, size);
    this.#segments[segment].bytes += size;
  }

  take(sha256: string): Segment | undefined {
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

  /** What was not used for longest in a segment. */
  oldest(segment: Segment, spare: (sha256: string) => boolean): readonly [sha256: string, size: number] | undefined {
    for (const map of [this.#segments[segment].old, this.#segments[segment].fresh])
      for (const entry of map) if (!spare(entry[0])) return entry;
    return undefined;
  }

  /** Least recently used first. */
  *namesIn(segment: Segment): Generator<string> {
    yield* this.#segments[segment].old.keys();
    yield* this.#segments[segment].fresh.keys();
  }
}

function empty(): Members {
  return { old: new Map(), fresh: new Map(), bytes: 0 };
}
