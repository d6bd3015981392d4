import { expect, it } from 'vitest';
import { indexOf } from '../../../../src/app/web/people-pages.ts';

it('an index of which there is none has no pages', () => {
  const indexes = [{ name: 'main' }];
  expect(indexOf(indexes, 'main')).toBe(indexes[0]);
  expect(() => indexOf(indexes, 'other')).toThrow('There is no index called other.');
});
