import { expect, it } from 'vitest';
import { INDEX_NAME } from '../../../src/bytes/index-name.ts';

it.each(['main', 'a', '0', 'py_pi-2', 'a'.repeat(64)])('%s may be an index', (name) => {
  expect(INDEX_NAME.test(name)).toBe(true);
});

it.each(['', '-a', '_a', 'A', 'a.b', '..', 'a/b', 'a b', 'ä', 'a\n', 'a'.repeat(65)])('%j may not', (name) => {
  expect(INDEX_NAME.test(name)).toBe(false);
});
