import { expect, it } from 'vitest';
import { createMemoryCache } from '../../../src/bytes/bounded-map.ts';

it('memory keeps what fits, the least recently used leaves first', () => {
  const cache = createMemoryCache<string>(100);
  cache.set('a', 'A', 40);
  cache.set('b', 'B', 40);
  expect(cache.get('a')).toBe('A');
  cache.set('c', 'C', 40);
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C']);
  cache.set('d', 'D', 1000);
  expect(cache.get('d')).toBeUndefined();
  cache.delete('a');
  expect(cache.get('a')).toBeUndefined();
});
