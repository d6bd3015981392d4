import { within } from '../async/timeout.ts';
import type { Authentic, Authenticator } from '../bytes/authentic.ts';
import { type ByteCache, type CacheKey, nameOfKey } from '../ports/byte-cache.ts';
import type { CacheResult, Emit } from '../ports/events.ts';

/** The longest that a cache is waited for: what it would save is seldom more. Milliseconds. */
const LONGEST_WAIT_MS = 500;
/** After it was late it is not asked for so long: one slow cache costs one wait, not one for each request. Milliseconds. */
const REST_MS = 5000;

/** What a tag of HMAC-SHA-256 adds to a value. */
const TAG_BYTES = 32;

interface GuardedCacheOptions {
  readonly index: string;
  readonly cache: ByteCache;
  readonly authenticator: Authenticator;
  readonly emit: Emit;
  /** Milliseconds. */
  readonly longestWaitMs?: number | undefined;
  /** Milliseconds of a clock that does not jump. */
  readonly nowMs?: (() => number) | undefined;
}

/**
 * A cache as it may be asked whatever it does: only what bears our seal under the very key comes out, and any fault of it is a
 * miss, after one bounded wait. Never throws; each answer is counted by its tier.
 */
export class GuardedCache {
  readonly #options: GuardedCacheOptions;
  #restsUntil = Number.NEGATIVE_INFINITY;

  constructor(options: GuardedCacheOptions) {
    this.#options = options;
  }

  async get(key: CacheKey, limit: number): Promise<Authentic | undefined> {
    const { authenticator } = this.#options;
    const asked = await this.#ask(key, limit + TAG_BYTES);
    if (!(asked instanceof Uint8Array)) return this.#told(asked);
    const isTooLarge = asked.byteLength > limit + TAG_BYTES;
    // A copy: what was checked is what is used, whatever becomes of the cache's own bytes.
    const authentic = isTooLarge ? undefined : authenticator.open(nameOfKey(this.#own(key)), new Uint8Array(asked));
    this.#told(authentic === undefined ? 'refused' : 'hit');
    return authentic;
  }

  /** Keeps it behind the caller. */
  put(key: CacheKey, value: Uint8Array, seconds: number): void {
    const { cache, authenticator } = this.#options;
    const own = this.#own(key);
    try {
      cache.put(own, authenticator.seal(nameOfKey(own), value), seconds);
    } catch {
      this.#told('failed');
    }
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

  #told(result: CacheResult): undefined {
    const { index, cache, emit } = this.#options;
    emit({ name: 'cached', index, tier: cache.tier, result });
  }

  /** Values of one index are no other's. */
  #own(key: CacheKey): CacheKey {
    return [this.#options.index, ...key];
  }

  #now(): number {
    return (this.#options.nowMs ?? (() => performance.now()))();
  }
}
