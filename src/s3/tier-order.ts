import { LATELY_MS } from './limits.ts';

interface Held {
  size: number;
  /** Milliseconds of the monotonic clock. */
  usedAt: number;
  /** Another process used it last, or it was found: whether it is in the bucket is not known here. */
  isOthers: boolean;
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

  /** `isOthers`: by another process on the same disk. */
  used(sha256: string, size: number, isOthers = false): void {
    this.gone(sha256);
    this.#held.set(sha256, { size, usedAt: performance.now(), isOthers });
    this.#bytes += size;
  }

  /** Found by a look at the disk: older than everything used since. */
  found(sha256: string, size: number): void {
    if (this.#held.has(sha256)) return;
    this.#held.set(sha256, { size, usedAt: Number.NEGATIVE_INFINITY, isOthers: true });
    this.#bytes += size;
  }

  gone(sha256: string): void {
    this.#bytes -= this.#held.get(sha256)?.size ?? 0;
    this.#held.delete(sha256);
  }

  /** What goes first, one after the other, as long as the limit does not hold; `spare` says what stays. */
  surplus(spare: (sha256: string) => boolean): Iterable<string> {
    return this.#take(this.maxBytes, spare, Number.POSITIVE_INFINITY);
  }

  /** The same until there is so much room on a disk that others fill; what was used lately stays. */
  room(bytes: number, spare: (sha256: string) => boolean): Iterable<string> {
    return this.#take(this.#bytes - bytes, spare, performance.now() - LATELY_MS);
  }

  isOthers(sha256: string): boolean {
    return this.#held.get(sha256)?.isOthers === true;
  }

  /** What was used in the last so many milliseconds, the latest first. */
  usedWithin(milliseconds: number, most: number): readonly string[] {
    const since = performance.now() - milliseconds;
    const used = [...this.#held].filter(([, { usedAt }]) => usedAt >= since).map(([sha256]) => sha256);
    return used.reverse().slice(0, most);
  }

  *#take(most: number, spare: (sha256: string) => boolean, usedBefore: number): Generator<string, void, undefined> {
    if (this.#bytes <= most) return;
    for (const [sha256, held] of [...this.#held].sort(([, one], [, other]) => one.usedAt - other.usedAt)) {
      if (this.#bytes <= most || held.usedAt >= usedBefore) return;
      // It may have been used or removed since.
      if (this.#held.get(sha256) === held && !spare(sha256)) yield sha256;
    }
  }
}
