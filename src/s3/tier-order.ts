import { LATELY_MS } from './limits.ts';

interface Held {
  size: number;
  /** Milliseconds of the monotonic clock. */
  usedAt: number;
}

/** What lies on this machine's disk, least recently used first, so that it can be bounded. */
export class TierOrder {
  readonly maxBytes: number;
  readonly #held = new Map<string, Held>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#held.size;
  }

  used(sha256: string, size: number): void {
    this.gone(sha256);
    this.#held.set(sha256, { size, usedAt: performance.now() });
    this.#bytes += size;
  }

  /** Found by a look at the disk: older than everything used since. */
  found(sha256: string, size: number): void {
    if (this.#held.has(sha256)) return;
    this.#held.set(sha256, { size, usedAt: Number.NEGATIVE_INFINITY });
    this.#bytes += size;
  }

  gone(sha256: string): void {
    this.#bytes -= this.#held.get(sha256)?.size ?? 0;
    this.#held.delete(sha256);
  }

  /** What goes first so that the limit holds; `spare` says what stays. */
  surplus(spare: (sha256: string) => boolean): readonly string[] {
    return this.#take(this.#bytes - this.maxBytes, spare, Number.POSITIVE_INFINITY);
  }

  /** What makes so much room on a disk that others fill; what was used lately stays. */
  room(bytes: number, spare: (sha256: string) => boolean): readonly string[] {
    return this.#take(bytes, spare, performance.now() - LATELY_MS);
  }

  /** What was used in the last so many milliseconds, the latest first. */
  usedWithin(milliseconds: number, most: number): readonly string[] {
    const since = performance.now() - milliseconds;
    const used = [...this.#held].filter(([, { usedAt }]) => usedAt >= since).map(([sha256]) => sha256);
    return used.reverse().slice(0, most);
  }

  #take(bytes: number, spare: (sha256: string) => boolean, usedBefore: number): readonly string[] {
    const taken: string[] = [];
    let left = bytes;
    const bySize = [...(left > 0 ? this.#held : [])].sort(([, one], [, other]) => one.usedAt - other.usedAt);
    for (const [sha256, { size, usedAt }] of bySize) {
      if (left <= 0 || usedAt >= usedBefore) break;
      if (spare(sha256)) continue;
      taken.push(sha256);
      left -= size;
    }
    return taken;
  }
}
