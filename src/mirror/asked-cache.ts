import { within } from '../async/timeout.ts';
import { type ByteCache, type CacheKey, type CacheResult, nameOfKey } from '../ports/byte-cache.ts';
import type { Emit } from '../ports/events.ts';

/** The longest that a cache is waited for: what it would save is seldom more. Milliseconds. */
const LONGEST_WAIT_MS = 500;
/** After it was late it is not asked for so long: one slow cache costs one wait, not one for each request. Milliseconds. */
const REST_MS = 5000;

export interface AskedCacheOptions {
  readonly index: string;
  readonly cache: ByteCache;
  readonly emit: Emit;
  /** Milliseconds. */
  readonly longestWaitMs?: number | undefined;
  /** Milliseconds of a clock that does not jump. */
  readonly nowMs?: (() => number) | undefined;
}

/**
 * A cache as it may be asked whatever it does: any fault of it is a miss, after one bounded wait. Never throws. What it gives is
 * suspect, and whoever asked says whether it held: each answer is counted once, by its tier.
 */
export class AskedCache {
  readonly #options: AskedCacheOptions;
  #restsUntil = Number.NEGATIVE_INFINITY;

  constructor(options: AskedCacheOptions) {
    this.#options = options;
  }

  /** What lies there, of at most so many bytes, copied: whatever becomes of the cache's own. All but that is counted here. */
  async get(key: CacheKey, limit: number): Promise<Uint8Array | undefined> {
    const asked = await this.#ask(key, limit);
    if (!(asked instanceof Uint8Array)) return this.told(asked);
    return asked.byteLength > limit ? this.told('refused') : new Uint8Array(asked);
  }

  /** Keeps it behind the caller. */
  put(key: CacheKey, value: Uint8Array, seconds: number, lost?: () => void): void {
    try {
      this.#options.cache.put(this.#own(key), value, seconds, lost);
    } catch {
      this.told('failed');
    }
  }

  /** What came of something that was given. */
  told(result: CacheResult): undefined {
    const { index, cache, emit } = this.#options;
    emit({ name: 'cached', index, tier: cache.tier, result });
  }

  /** Names a key among those of all indexes. */
  nameOf(key: CacheKey): string {
    return nameOfKey(this.#own(key));
  }

  async #ask(key: CacheKey, limit: number): Promise<Uint8Array | Exclude<CacheResult, 'hit' | 'refused'>> {
    const { cache, longestWaitMs = LONGEST_WAIT_MS } = this.#options;
    if (this.#now() < this.#restsUntil) return 'resting';
    try {
      const asked = cache.get(this.#own(key), limit).then((found) => found ?? 'miss');
      // Nobody hears of what fails after its time.
      asked.catch(() => undefined);
      const found = await within<Uint8Array | 'miss' | 'late'>(longestWaitMs, asked, 'late');
      if (found === 'late') this.#restsUntil = this.#now() + REST_MS;
      return found;
    } catch {
      return 'failed';
    }
  }

  /** Values of one index are no other's. */
  #own(key: CacheKey): CacheKey {
    return [this.#options.index, ...key];
  }

  #now(): number {
    return (this.#options.nowMs ?? (() => performance.now()))();
  }
}
