import { expect, it } from 'vitest';
import { dateText, instantText, parseInstant } from '../../../src/bytes/instant.ts';

it('a moment is read to the second, and written as it was read', () => {
  const leapDay = Date.UTC(2036, 1, 29, 23, 59, 59) / 1000;
  expect(parseInstant('2036-02-29T23:59:59Z')).toBe(leapDay);
  expect(instantText(leapDay)).toBe('2036-02-29T23:59:59Z');
  expect(dateText(leapDay)).toBe('2036-02-29');
  expect(instantText(0.5)).toBe('1970-01-01T00:00:00Z');
});

it.each([
  '2035-02-29T00:00:00Z',
  '2035-02-30T00:00:00Z',
  '2035-04-31T00:00:00Z',
  '2035-13-01T00:00:00Z',
  '2035-00-01T00:00:00Z',
  '2035-01-01T24:00:00Z',
  '2035-01-01T23:59:60Z',
])('%s is on no calendar', (text) => {
  expect(parseInstant(text)).toBeUndefined();
});

it.each([
  '2035-01-01',
  '2035-01-01T00:00:00',
  '2035-01-01T00:00:00.0Z',
  '2035-01-01T00:00:00+00:00',
  ' 2035-01-01T00:00:00Z',
  '',
])('%j is written otherwise', (text) => {
  expect(parseInstant(text)).toBeUndefined();
});
