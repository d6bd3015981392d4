import { LRUCache } from 'lru-cache';

/** How much is kept: so many values, or values of so many bytes, as their makers count them, keys included. */
export type Bound = { readonly entries: number } | { readonly bytes: number };

/** Values in memory, the least recently used out first; what is larger than the whole is not kept. */
export class BoundedMap<V> {
  // In a box, because lru-cache takes undefined for nothing.
  readonly #kept: LRUCache<string, { readonly value: V }>;

  constructor(bound: Bound) {
    this.#kept =
      'entries' in bound
        ? new LRUCache({ max: bound.entries })
        : new LRUCache({ maxSize: Math.max(1, Math.floor(bound.bytes)) });
  }

  get(key: string): V | undefined {
    return this.#kept.get(key)?.value;
  }

  /** True also for a key whose value is undefined. */
  has(key: string): boolean {
    return this.#kept.get(key) !== undefined;
  }

  /** `bytes` matters where the bound is one of bytes. */
  set(key: string, value: V, bytes = 0): void {
    const size = Math.max(1, Math.ceil(bytes) + key.length);
    this.#kept.set(key, { value }, this.#kept.maxSize > 0 ? { size } : {});
  }

  delete(key: string): void {
    this.#kept.delete(key);
  }

  /** What its values weigh together, where the bound is one of bytes. */
  get bytes(): number {
    return this.#kept.calculatedSize;
  }

  /** Takes out what was used least recently. */
  pop(): readonly [key: string, value: V] | undefined {
    const [key] = this.#kept.rkeys();
    const oldest = key === undefined ? undefined : this.#kept.peek(key);
    if (key === undefined || oldest === undefined) return undefined;
    this.#kept.delete(key);
    return [key, oldest.value];
  }
}
