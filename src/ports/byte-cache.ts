import { startSha256 } from '../bytes/digest.ts';

/**
 * What a value was made from, each part as it is: the same parts in the same order name the same value, and any other list of
 * parts another one.
 */
export type CacheKey = readonly string[];

/** Where values are kept: the label of a metric. */
export const CACHE_TIERS = ['memory', 'disk', 'redis'] as const;
export type CacheTier = (typeof CACHE_TIERS)[number];

/**
 * What came of asking a byte cache. `refused`: what it gave does not bear our seal. `late`: it was not waited for. `resting`: it was
 * late a moment ago, and not asked. All but `hit` are misses.
 */
export const CACHE_RESULTS = ['hit', 'miss', 'refused', 'failed', 'late', 'resting'] as const;
export type CacheResult = (typeof CACHE_RESULTS)[number];

/**
 * Bytes that save work and can be made again. It may lose, delay or change any of them, whoever else writes to it: what comes back
 * is suspect, and is believed by its proof or its MAC alone. `mirror/guarded-cache.ts` is how it is asked.
 */
export interface ByteCache {
  readonly tier: CacheTier;
  /** What lies under the key, of at most so many bytes; undefined where there is nothing, too much, or nothing to be had. */
  get(key: CacheKey, limit: number): Promise<Uint8Array | undefined>;
  /**
   * Keeps a copy behind the caller for at most so many seconds, where there is room. Returns at once, throws nothing. `lost`: called
   * where what was put may be missing because the service was away or took nothing.
   */
  put(key: CacheKey, value: Uint8Array, seconds: number, lost?: () => void): void;
}

/** A key as one name, lower-case hex: each part's length goes before it, so that no two keys share one. */
export function nameOfKey(key: CacheKey): string {
  const hash = startSha256();
  for (const part of key) {
    // Of text that is not well formed, UTF-8 makes the same bytes as of other text.
    const bytes = Buffer.from(part, 'utf16le');
    hash.update(Buffer.from(`${bytes.byteLength}\n`));
    hash.update(bytes);
  }
  return hash.hex();
}
