import { LRUCache } from 'lru-cache';

/** A bounded store of values in memory, least recently used out first. */
export interface Cache<V> {
  get(key: string): V | undefined;
  set(key: string, value: V, bytes: number): void;
  delete(key: string): void;
}

export type CreateCache = <V>(maxBytes: number) => Cache<V>;

interface Held<V> {
  readonly value: V;
}

/** Values in memory up to `maxBytes` as their makers counted them; what is larger than the whole is not kept. */
export function createMemoryCache<V>(maxBytes: number): Cache<V> {
  const held = new LRUCache<string, Held<V>>({ maxSize: Math.max(1, Math.floor(maxBytes)) });
  return {
    get: (key) => held.get(key)?.value,
    set: (key, value, bytes) => {
      held.set(key, { value }, { size: Math.max(1, Math.ceil(bytes) + key.length) });
    },
    delete: (key) => {
      held.delete(key);
    },
  };
}
