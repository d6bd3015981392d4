import { expect, it } from 'vitest';
import { filtersOf } from '../../../src/sync/filters.ts';

const refused = (words: string) =>
  expect.objectContaining({ reason: 'format', message: expect.stringContaining(words) });

it('what is to be left out is said in words that mean something', () => {
  expect(() => filtersOf({ blocklist: ['alpha', 'beta-*', 'gamma<2'] })).not.toThrow();
  expect(() => filtersOf({ blocklist: ['gamma<<2'] })).toThrow(refused('nor a requirement'));
  expect(() => filtersOf({ excludePlatforms: ['windows', 'py2', 'py3.8'] })).not.toThrow();
  expect(() => filtersOf({ excludePlatforms: ['amiga'] })).toThrow(refused('no platform that can be left out'));
});
