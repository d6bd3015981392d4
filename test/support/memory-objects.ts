import type { ObjectStore } from '../../src/ports/object-store.ts';
import { ObjectStoreError } from '../../src/ports/object-store.ts';

/** Objects in memory, as several replicas would share them. */
export function memoryObjects(objects = new Map<string, Uint8Array>()): ObjectStore & {
  readonly objects: Map<string, Uint8Array>;
} {
  return {
    objects,
    async get(key, limit) {
      const bytes = objects.get(key);
      if (bytes !== undefined && bytes.byteLength > limit) throw new ObjectStoreError('limit', 'too large');
      return bytes && Buffer.from(bytes);
    },
    async create(key, bytes) {
      const there = objects.get(key);
      if (there === undefined) objects.set(key, Buffer.from(bytes));
      return there === undefined || Buffer.compare(there, bytes) === 0 ? 'created' : 'taken';
    },
    async *list(prefix, after = '') {
      // All of ASCII: in the order of their bytes.
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    },
    async remove(key) {
      objects.delete(key);
    },
  };
}
