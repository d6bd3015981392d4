import { type ByteCache, type CacheKey, nameOfKey } from '../ports/byte-cache.ts';
import type { RedisConnection } from './connection.ts';
import { FIRST_BYTES, VALUE_BYTES, WAITING_BYTES } from './limits.ts';

interface RedisByteCacheOptions {
  readonly connection: RedisConnection;
  /** Begins every key: what one Redis holds for several mirrors. */
  readonly prefix: string;
  /** Most bytes of a value. */
  readonly maxValueBytes?: number | undefined;
}

/** Values in Redis, which bounds them all together (`maxmemory`). Of a value that is longer than most its length is known before more of it is read. */
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
    const first = await this.#read(name, 0, Math.min(FIRST_BYTES, most + 1));
    if (first === undefined || first.byteLength === 0 || first.byteLength > most) return undefined;
    return first.byteLength < FIRST_BYTES ? first : this.#rest(name, first, most);
  }

  /** Of a long one its length is asked for before any more is read. */
  async #rest(name: string, first: Buffer, most: number): Promise<Uint8Array | undefined> {
    const sized = await this.#connection.ask('STRLEN', name);
    if (sized.outcome !== 'answered' || typeof sized.reply !== 'number' || sized.reply > most) return undefined;
    if (sized.reply <= FIRST_BYTES) return sized.reply === FIRST_BYTES ? first : undefined;
    const rest = await this.#read(name, FIRST_BYTES, sized.reply - FIRST_BYTES);
    // It may have changed since: then it is another length, or no value of ours.
    return rest?.byteLength === sized.reply - FIRST_BYTES ? Buffer.concat([first, rest]) : undefined;
  }

  async #read(name: string, from: number, length: number): Promise<Buffer | undefined> {
    const read = await this.#connection.ask('GETRANGE', name, from, from + length - 1);
    return read.outcome === 'answered' && Buffer.isBuffer(read.reply) ? read.reply : undefined;
  }

  /** Of no bytes there is nothing to keep. */
  put(key: CacheKey, value: Uint8Array, seconds: number, lost?: () => void): void {
    const size = value.byteLength;
    if (size === 0 || size > this.#most) return;
    if (this.#waiting + size > WAITING_BYTES || !this.#connection.isUp) {
      lost?.();
      return;
    }
    this.#waiting += size;
    void this.#connection
      .ask('SET', this.#nameOf(key), Buffer.from(value), 'EX', Math.max(1, Math.floor(seconds)))
      .then(({ outcome }) => {
        this.#waiting -= size;
        if (outcome !== 'answered') lost?.();
      });
  }

  #nameOf(key: CacheKey): string {
    return `${this.#prefix}:bytes:${nameOfKey(key)}`;
  }
}
