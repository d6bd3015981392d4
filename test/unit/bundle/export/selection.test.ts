import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSelection, selects } from '../../../../src/bundle/export/selection.ts';

describe('a selection of projects', () => {
  it('is of normalized names and globs, each once and in order', () => {
    expect(readSelection(['Zope.Interface', 'acme_*', 'zope-interface', 'a?c'])).toEqual([
      'a?c',
      'acme-*',
      'zope-interface',
    ]);
  });

  it.each(['', '../x', 'a b', '-x', 'ä', 'x/*', 'a'.repeat(300)])('takes %j for no name', (pattern) => {
    expect(() => readSelection([pattern])).toThrow(expect.objectContaining({ reason: 'format' }));
  });

  it('has a limit', () => {
    expect(() => readSelection(Array.from({ length: 10_001 }, (_, at) => `p${at}`))).toThrow(
      expect.objectContaining({ reason: 'limit' }),
    );
  });

  it('selects nothing where nothing is named', () => {
    expect(selects([])('whatever')).toBe(false);
  });

  it('selects what a regular expression of the same meaning does', () => {
    const glob = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*', '?'), minLength: 1, maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 10 });
    fc.assert(
      fc.property(glob, name, (pattern, project) => {
        const meant = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
        expect(selects([pattern])(project)).toBe(meant.test(project));
      }),
      { numRuns: 2000 },
    );
  });

  it('judges a hostile glob in no time', () => {
    expect(selects([`${'*a'.repeat(120)}b`])('a'.repeat(200))).toBe(false);
  });
});
