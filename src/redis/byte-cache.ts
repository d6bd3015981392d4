import { type ByteCache, type CacheKey, nameOfKey } from '../ports/byte-cache.ts';
import type { RedisConnection } from './connection.ts';
import { VALUE_BYTES, WAITING_BYTES } from './limits.ts';

interface RedisByteCacheOptions {
  readonly connection: RedisConnection;
  /** Begins every key: what one Redis holds for several mirrors. */
  readonly prefix: string;
  /** Most bytes of a value. */
  readonly maxValueBytes?: number | undefined;
}

/** Values in Redis, which bounds them all together (`maxmemory`). A value's size is known before any of it is read. */
export class RedisByteCache implements ByteCache {
  readonly tier = 'redis';
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #most: number;
  #waiting = 0;

  constructor({ connection, prefix, maxValueBytes = VALUE_BYTES }: RedisByteCacheOptions) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#most = maxValueBytes;
  }

  async get(key: CacheKey, limit: number): Promise<Uint8Array | undefined> {
    const name = this.#nameOf(key);
    const most = Math.min(limit, this.#most);
    const sized = await this.#connection.ask('STRLEN', name);
    if (sized.outcome !== 'answered' || typeof sized.reply !== 'number') return undefined;
    if (sized.reply === 0 || sized.reply > most) return undefined;
    // It may have grown since.
    const read = await this.#connection.ask('GETRANGE', name, 0, most);
    if (read.outcome !== 'answered' || !Buffer.isBuffer(read.reply)) return undefined;
    return read.reply.byteLength === sized.reply ? read.reply : undefined;
  }

  /** Of no bytes there is nothing to keep. */
  put(key: CacheKey, value: Uint8Array, seconds: number): void {
    const size = value.byteLength;
    const isTooMuch = size === 0 || size > this.#most || this.#waiting + size > WAITING_BYTES;
    if (isTooMuch || !this.#connection.isUp) return;
    this.#waiting += size;
    void this.#connection
      .ask('SET', this.#nameOf(key), Buffer.from(value), 'EX', Math.max(1, Math.floor(seconds)))
      .finally(() => {
        this.#waiting -= size;
      });
  }

  #nameOf(key: CacheKey): string {
    return `${this.#prefix}:bytes:${nameOfKey(key)}`;
  }
}
