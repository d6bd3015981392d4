import { describe, expect, it } from 'vitest';
import { MAX_QUERIES, MAX_QUERY_DEPTH, MAX_QUERY_VALUES } from '../../../src/advisories/limits.ts';
import { readQueries, readQuery } from '../../../src/advisories/query.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const read = (value: unknown) => readQuery(bytes(value));
const refusal = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return `${error.reason} ${error.subject}: ${error.message}`;
    throw error;
  }
};
const named = (name: string, more: object = {}) => ({ package: { name, ecosystem: 'PyPI', ...more } });

describe('a query', () => {
  it.each([
    ['a package and a version', { ...named('Demo.Project'), version: '1.0' }, 'demo-project', '1.0'],
    ['a package', named('demo'), 'demo', undefined],
    ['a package URL', { package: { purl: 'pkg:pypi/Demo_Project@1.0' } }, 'demo-project', '1.0'],
    ['one without a version', { package: { purl: 'pkg:pypi/demo' } }, 'demo', undefined],
    ['one beside a version', { version: '2', package: { purl: 'pkg:pypi/demo' } }, 'demo', '2'],
    ['one with escapes', { package: { purl: 'pkg:PyPI/demo@1.0%2Bcu12' } }, 'demo', '1.0+cu12'],
    ['one with qualifiers', { package: { purl: 'pkg:pypi/demo@1.0?extension=whl#a/b' } }, 'demo', '1.0'],
    ['one with slashes before its type', { package: { purl: 'pkg://pypi/demo@1.0' } }, 'demo', '1.0'],
    ['what is no name', named('../demo'), undefined, undefined],
    ['a commit', { commit: '6879efc2c1596d11a6a6ad296f80063b558d5e0f' }, undefined, undefined],
    ['what is empty or null', { ...named('demo', { purl: '' }), version: null, commit: '' }, 'demo', undefined],
    ['what is not known', { ...named('demo', { other: 1 }), another: [] }, 'demo', undefined],
  ])('asks about %s', (_, query, project, version) => {
    expect(read(query)).toEqual({ project, version });
  });

  it.each([
    ['nothing', {}, 'package.name, package.purl or commit'],
    ['a version of nothing', { version: '1' }, 'package.name, package.purl or commit'],
    ['another ecosystem', { package: { name: 'demo', ecosystem: 'npm' } }, 'Python packages alone'],
    ['no ecosystem', { package: { name: 'demo' }, version: '1' }, 'Python packages alone'],
    ['a package URL of another ecosystem', { package: { purl: 'pkg:npm/demo@1' } }, 'Python packages alone'],
    ['what is no package URL', { package: { purl: 'pypi/demo' } }, 'is no package URL'],
    ['a package URL that is broken', { package: { purl: 'pkg:pypi/demo@%' } }, 'is no package URL'],
    ['a package URL and a name', { package: { name: 'demo', purl: 'pkg:pypi/demo' } }, 'leave out package.name'],
    [
      'a package URL and an ecosystem',
      { package: { ecosystem: 'PyPI', purl: 'pkg:pypi/demo' } },
      'leave out package.name',
    ],
    ['two versions', { version: '1', package: { purl: 'pkg:pypi/demo@1' } }, 'leave out one of them'],
    ['a commit and a version', { commit: 'a', version: '1' }, 'by commit or by version'],
    ['a further page', { ...named('demo'), page_token: 'x' }, 'page_token names none'],
    ['what is no text', { ...named('demo'), version: 1 }, '(version)'],
    ['a list', [], "OSV's API"],
  ])('that asks about %s is refused in words', (_, query, words) => {
    const told = refusal(() => read(query));
    expect(told).toContain('format request: ');
    expect(told).toContain(words);
  });

  it('that is no JSON, nests or holds too much is refused', () => {
    expect(refusal(() => readQuery(Buffer.from('{')))).toContain('format request: The query is not JSON');
    expect(refusal(() => readQuery(Buffer.from('{} {}')))).toContain('format request: ');
    const deep = `${'['.repeat(MAX_QUERY_DEPTH + 1)}${']'.repeat(MAX_QUERY_DEPTH + 1)}`;
    expect(refusal(() => readQuery(Buffer.from(deep)))).toContain('limit request: ');
    expect(refusal(() => read({ x: new Array(MAX_QUERY_VALUES).fill(1) }))).toContain('limit request: ');
  });
});

describe('a batch', () => {
  it('keeps the order of its queries, and may have none', () => {
    expect(readQueries(bytes({ queries: [{ ...named('b'), version: '1' }, named('a')] }))).toEqual([
      { project: 'b', version: '1' },
      { project: 'a', version: undefined },
    ]);
    expect(readQueries(bytes({}))).toEqual([]);
  });

  it('names the query that is wrong', () => {
    expect(refusal(() => readQueries(bytes({ queries: [named('a'), {}] })))).toContain('queries.1: Say what');
    expect(refusal(() => readQueries(bytes({ queries: [named('a'), 1] })))).toContain('(queries.1)');
  });

  it('has at most as many as OSV takes', () => {
    const of = (count: number) => bytes({ queries: new Array(count).fill(named('a')) });
    expect(readQueries(of(MAX_QUERIES))).toHaveLength(MAX_QUERIES);
    expect(refusal(() => readQueries(of(MAX_QUERIES + 1)))).toContain('limit request: A batch has at most 1000');
  });
});
