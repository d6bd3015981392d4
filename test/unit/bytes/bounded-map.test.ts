import { expect, it } from 'vitest';
import { BoundedMap } from '../../../src/bytes/bounded-map.ts';

it('what is larger than the whole is not kept, and takes nothing else with it', () => {
  const map = new BoundedMap<string>({ bytes: 100 });
  map.set('small', 'a', 10);
  map.set('large', 'b', 200);
  expect(map.get('large')).toBeUndefined();
  expect(map.get('small')).toBe('a');
});

it('bytes are those of values and keys, and the least recently used goes first', () => {
  const map = new BoundedMap<number>({ bytes: 100 });
  map.set('a', 1, 39);
  map.set('b', 2, 39);
  map.get('a');
  map.set('c'.repeat(20), 3, 20);
  expect([map.get('a'), map.get('b'), map.get('c'.repeat(20))]).toEqual([1, undefined, 3]);
});

it('entries are counted, whatever they weigh', () => {
  const map = new BoundedMap<number>({ entries: 2 });
  map.set('a', 1, 1e9);
  map.set('b', 2);
  map.get('a');
  map.set('c', 3);
  expect(['a', 'b', 'c'].map((key) => map.has(key))).toEqual([true, false, true]);
  map.delete('a');
  expect(map.has('a')).toBe(false);
});

it('undefined is a value', () => {
  const map = new BoundedMap<undefined>({ entries: 1 });
  map.set('a', undefined);
  expect([map.has('a'), map.has('b'), map.get('a')]).toEqual([true, false, undefined]);
});
