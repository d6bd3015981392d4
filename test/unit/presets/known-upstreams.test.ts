import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  indexKind,
  isPublicIndex,
  KIND_NAMES,
  knownIndex,
  knownLayout,
  LAYOUT_NAMES,
  whereMet,
} from '../../../src/presets/known-upstreams.ts';
import { simpleIndex } from '../../../src/presets/simple-index.ts';
import { LAYOUT_CASES } from '../../support/layout-cases.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
/** The names a sentence lists, up to whatever is no name. */
const listed = (text: string, after: string) =>
  (text.split(after)[1] ?? '')
    .match(/^(?:[\s,#]*`?[a-z0-9-]+`?(?=,|\s*\(|\s*\n?\s*#? ?\())*/)?.[0]
    .match(/[a-z0-9-]+/g);

describe('the names of the layouts', () => {
  it('stand in README.md, all and in order', () => {
    expect(listed(read('README.md'), 'names its pages and files: ')).toEqual(LAYOUT_NAMES);
  });

  it('stand in config/verbatim.yaml, all and in order', () => {
    expect(listed(read('config/verbatim.yaml'), 'names its pages and files: ')).toEqual(LAYOUT_NAMES);
  });

  it('stand in docs/architecture.md, each with where it was met', () => {
    const [, section = ''] = read('docs/architecture.md').split('\n## Layouts\n');
    const rows = [...section.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, name, met]) => [name, met]);
    expect(rows).toEqual(LAYOUT_NAMES.map((name) => [name, whereMet(name)]));
  });

  it('have each an index of its kind in the tests, where they have pages at all', () => {
    const tried = LAYOUT_CASES.map(({ layout }) => layout);
    const untried = LAYOUT_NAMES.filter((name) => !tried.includes(name));
    expect(untried.filter((name) => knownLayout(name).pages !== undefined)).toEqual([]);
  });
});

describe('the kinds of index', () => {
  const PAGES_AT = {
    given: 'at the address',
    flat: 'all in that one',
    'simple/': 'at `simple/`',
    '+simple/': 'at `+simple/`',
    'index/': 'at `index/`',
  };

  it('stand in docs/indexes.md, each with what it sets', () => {
    const [, section = ''] = read('docs/indexes.md').split('\n| `kind` |');
    const rows = [...(section.split('\n\n')[0] ?? '').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)];
    const expected = KIND_NAMES.map((name) => {
      const { metIn, pagesAt, fileHosts, absent, digests } = indexKind(name);
      const no = [...absent.statuses, ...(absent.redirectElsewhere ? ['redirect elsewhere'] : [])].join(', ');
      const hosts = fileHosts.map((host) => `\`${host}\``).join(', ');
      return [name, [metIn, PAGES_AT[pagesAt], hosts || '-', no || '-', digests].join(' | ')];
    });
    expect(rows.map(([, name, row]) => [name, row])).toEqual(expected);
  });

  it('stand in config/verbatim.yaml, all and in order', () => {
    const [, line = ''] = /# Kinds of index: (.*)/.exec(read('config/verbatim.yaml')) ?? [];
    expect(line.split(', ')).toEqual(KIND_NAMES);
  });
});

describe('an index that is known', () => {
  it.each([
    ['https://download.pytorch.org/whl/cpu/', 'pytorch'],
    ['https://acme.jfrog.io/artifactory/api/pypi/py/simple/', 'artifactory'],
    ['https://acme-1.d.codeartifact.eu-west-1.amazonaws.com/pypi/main/simple/', 'codeartifact'],
    ['https://bucket.s3.amazonaws.com/simple/', undefined],
    ['https://jfrog.io.example/simple/', undefined],
  ])('%s is %s', (url, kind) => {
    expect(knownIndex(url)?.kind).toBe(kind);
  });

  it('is public, or an index of somebody’s own', () => {
    expect(isPublicIndex('https://pypi.org/simple/six/')).toBe(true);
    expect(isPublicIndex('https://gitlab.com/api/v4/projects/1/packages/pypi/simple/')).toBe(false);
    expect(isPublicIndex('https://elsewhere.example/simple/six/')).toBe(false);
  });

  it('is known by its whole host, whatever is asked of it', () => {
    expect(knownIndex('https://pypi.org/simple/')?.fileHosts).toEqual(['files.pythonhosted.org']);
    expect(knownIndex('https://pypi.org/pypi/')?.fileHosts).toEqual(['files.pythonhosted.org']);
    for (const other of ['https://pypi.org:8443/', 'https://pypi.org.example/', 'https://my-pypi.org/', 'pypi.org', ''])
      expect(knownIndex(other)).toBeUndefined();
  });
});

describe('an index that signs nothing', () => {
  it.each([
    [
      'https://index.example/',
      undefined,
      'https://index.example/simple/',
      ['https://index.example/'],
      'https://index.example/',
    ],
    [
      'https://index.example/root/simple/',
      undefined,
      'https://index.example/root/simple/',
      [],
      'https://index.example/root/',
    ],
    ['https://index.example/root/pypi/+simple/', undefined, 'https://index.example/root/pypi/+simple/', [], undefined],
    [
      'https://index.example/pypi/',
      undefined,
      'https://index.example/pypi/',
      ['https://index.example/pypi/simple/', 'https://index.example/pypi/+simple/'],
      undefined,
    ],
    ['https://index.example/', 'nvidia', 'https://index.example/', [], undefined],
    ['https://index.example/repo/', 'nexus', 'https://index.example/repo/simple/', [], 'https://index.example/repo/'],
    ['https://index.example/me/dev/', 'devpi', 'https://index.example/me/dev/+simple/', [], undefined],
    ['https://index.example/me/+simple/', 'devpi', 'https://index.example/me/+simple/', [], undefined],
    ['https://index.example/', 'proxpi', 'https://index.example/index/', [], undefined],
    ['https://index.example/index/', 'proxpi', 'https://index.example/index/', [], undefined],
    ['https://index.example/all.html/', 'flat', 'https://index.example/all.html', [], undefined],
    ['https://index.example/all.html/', undefined, 'https://index.example/all.html', [], undefined],
  ] as const)('given as %s (%s) has its pages at %s, or at %j, and its other documents at %s', (...row) => {
    const [upstream, kind, simple, others, api] = row;
    expect(simpleIndex(upstream, kind)).toMatchObject({ simple, others, api });
  });

  it('may be one page for all projects where that was said, or where nothing says that it is not', () => {
    const url = 'https://index.example/wheels/';
    expect(simpleIndex(url, 'flat').flat).toEqual({ url, only: true });
    expect(simpleIndex(url).flat).toEqual({ url, only: false });
    expect(simpleIndex('https://index.example/all.html/').flat).toEqual({
      url: 'https://index.example/all.html',
      only: true,
    });
    for (const [other, kind] of [['https://index.example/simple/'], [url, 'static']] as const)
      expect(simpleIndex(other, kind).flat).toBeUndefined();
  });
});
