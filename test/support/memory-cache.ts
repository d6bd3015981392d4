import { BoundedMap } from '../../src/bytes/bounded-map.ts';
import { type ByteCache, nameOfKey } from '../../src/ports/byte-cache.ts';

/** Values in memory, for tests of the contract and of what is built on it. */
export function createMemoryCache({
  maxBytes,
  nowMs,
}: {
  readonly maxBytes: number;
  readonly nowMs: () => number;
}): ByteCache {
  const values = new BoundedMap<{ readonly bytes: Uint8Array; readonly until: number }>({ bytes: maxBytes });
  return {
    tier: 'memory',
    async get(key, limit) {
      const value = values.get(nameOfKey(key));
      const isThere = value !== undefined && value.until > nowMs() && value.bytes.byteLength <= limit;
      return isThere ? new Uint8Array(value.bytes) : undefined;
    },
    put(key, value, seconds) {
      const entry = { bytes: new Uint8Array(value), until: nowMs() + seconds * 1000 };
      values.set(nameOfKey(key), entry, value.byteLength);
    },
  };
}
