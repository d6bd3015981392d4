import type { Authentic, Authenticator } from '../bytes/authentic.ts';
import type { CacheKey } from '../ports/byte-cache.ts';
import { AskedCache, type AskedCacheOptions } from './asked-cache.ts';

/** What a tag of HMAC-SHA-256 adds to a value. */
const TAG_BYTES = 32;

interface GuardedCacheOptions extends AskedCacheOptions {
  readonly authenticator: Authenticator;
}

/** A cache of which only what bears our seal under the very key comes out; all else is a miss. Never throws. */
export class GuardedCache {
  readonly #asked: AskedCache;
  readonly #authenticator: Authenticator;

  constructor({ authenticator, ...options }: GuardedCacheOptions) {
    this.#asked = new AskedCache(options);
    this.#authenticator = authenticator;
  }

  async get(key: CacheKey, limit: number): Promise<Authentic | undefined> {
    const found = await this.#asked.get(key, limit + TAG_BYTES);
    if (found === undefined) return undefined;
    const authentic = this.#authenticator.open(this.#asked.nameOf(key), found);
    this.#asked.told(authentic === undefined ? 'refused' : 'hit');
    return authentic;
  }

  /** Keeps it behind the caller. */
  put(key: CacheKey, value: Uint8Array, seconds: number, lost?: () => void): void {
    this.#asked.put(key, this.#authenticator.seal(this.#asked.nameOf(key), value), seconds, lost);
  }
}
