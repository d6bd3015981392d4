import { expect, it } from 'vitest';
import { existing } from '../../../src/bytes/existing.ts';

it('what this program has made sure of is handed on, and its absence is said as a fault of the program', () => {
  expect(existing(0, 'there is no number')).toBe(0);
  expect(() => existing(undefined, 'there is no number')).toThrow(new Error('there is no number'));
});
