import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/tuf/limits.ts';
import { pathPattern } from '../../../src/tuf/pattern.ts';
import { reasonOf } from '../../support/client.ts';
import { cpuTime, onThisMachine } from '../../support/cpu.ts';

// What python-tuf's fnmatch by segment says; other clients differ where noted in docs/decisions.
const vectors: readonly (readonly [pattern: string, path: string, matches: boolean])[] = [
  ['*', 'a', true],
  ['*', '', true],
  ['*', '.hidden', true],
  ['*', 'a/b', false],
  ['*', '%2F', true],
  ['*', 'a\n', true],
  ['a/*', 'a/b', true],
  ['a/*', 'a/', true],
  ['a/*', 'a/..', true],
  ['a/*', 'a', false],
  ['a/*', 'a/b/c', false],
  ['a/*', '/a/b', false],
  ['*/*', 'a/b', true],
  ['**', 'a', true],
  ['**', 'a/b', false],
  ['**/b', 'a/b', true],
  ['**/b', 'a/a/b', false],
  ['*.whl', 'a.whl', true],
  ['*.whl', 'a.whl.metadata', false],
  ['a*b*c', 'axxbyyc', true],
  ['a*b*c', 'axxbyy', false],
  ['?', 'a', true],
  ['?', '', false],
  ['?', '😀', true],
  ['??', '😀', false],
  ['?', 'é', true],
  ['a?c', 'a/c', false],
  ['a.whl', 'xa.whl', false],
  ['a.whl', 'a.whlx', false],
  ['?.whl', 'xa.whl', false],
  ['[a].whl', 'xa.whl', false],
  ['a/b', 'a/xb', false],
  ['a*.whl', 'xa.whl', false],
  ['', '', true],
  ['', 'a', false],
  ['a', 'a', true],
  ['a', 'A', false],
  ['/a', 'a', false],
  ['a', '/a', false],
  ['a//b', 'a//b', true],
  ['a/*/b', 'a//b', true],
  ['a//b', 'a/b', false],
  ['{a,b}', 'a', false],
  ['{a,b}', '{a,b}', true],
  ['!x', 'y', false],
  ['!x', '!x', true],
  ['#x', '#x', true],
  ['@(a|b)', 'a', false],
  ['+(a)', 'aa', false],
  ['\\*', '*', false],
  ['\\*', '\\abc', true],
  ['a\\b', 'a\\b', true],
  ['[ab]', 'a', true],
  ['[ab]', 'c', false],
  ['[!a]', 'b', true],
  ['[!a]', 'a', false],
  ['[^a]', 'b', false],
  ['[^a]', '^', true],
  ['[a-c]', 'b', true],
  ['[a-c]', '-', false],
  ['[a-]', '-', true],
  ['[]]', ']', true],
  ['[!]]', ']', false],
  ['[', '[', true],
  ['[a', '[a', true],
  ['[a/b]', 'a', false],
  ['[[:alpha:]]', 'a', false],
  ['a[*]b', 'a*b', true],
  ['a[*]b', 'axb', false],
  ['a.c', 'abc', false],
  ['a$', 'a', false],
  ['^a', 'a', false],
  ['(a)', 'a', false],
];

describe('path patterns (TUF §4.5), by segment as the reference client has them', () => {
  it.each(vectors)('%j ~ %j: %s', (pattern, path, matches) => {
    expect(pathPattern(pattern)(path)).toBe(matches);
  });

  it('a hostile pattern costs bounded time', () => {
    const pattern = `${'*a'.repeat(LIMITS.pathPattern / 2 - 1)}b`;
    const start = cpuTime();
    expect(pathPattern(pattern)('a'.repeat(8000))).toBe(false);
    expect(cpuTime() - start).toBeLessThan(onThisMachine(1000));
  });

  it('a pattern over the limit is refused', async () => {
    expect(await reasonOf(() => pathPattern('*'.repeat(64 * 1024)))).toBe('limit');
  });

  it('no star and no question mark ever crosses a slash (sigstore-rust #174)', () => {
    const segment = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.'), maxLength: 6 });
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 4 }), fc.array(segment, { maxLength: 4 }), (pattern, path) => {
        const matches = pathPattern(pattern.join('/'))(path.join('/'));
        const regex = pattern.map((part) =>
          part.replaceAll('.', '\\.').replaceAll('?', '[^/]').replaceAll('*', '[^/]*'),
        );
        expect(matches).toBe(new RegExp(`^(?:${regex.join('/')})$`, 'su').test(path.join('/')));
      }),
    );
  });
});
