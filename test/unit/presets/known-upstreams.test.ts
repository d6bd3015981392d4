import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { knownIndex, knownLayout, LAYOUT_NAMES, whereMet } from '../../../src/presets/known-upstreams.ts';
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

describe('an index that is known', () => {
  it('is known by its whole host, whatever is asked of it', () => {
    expect(knownIndex('https://pypi.org/simple/')?.fileHost).toBe('files.pythonhosted.org');
    expect(knownIndex('https://pypi.org/pypi/')?.fileHost).toBe('files.pythonhosted.org');
    for (const other of ['https://pypi.org:8443/', 'https://pypi.org.example/', 'https://my-pypi.org/', 'pypi.org', ''])
      expect(knownIndex(other)).toBeUndefined();
  });
});

describe('an index that signs nothing', () => {
  it.each([
    ['https://index.example/', 'https://index.example/simple/', 'https://index.example/'],
    ['https://index.example/root/simple/', 'https://index.example/root/simple/', 'https://index.example/root/'],
    ['https://index.example/root/pypi/+simple/', 'https://index.example/root/pypi/+simple/', undefined],
    ['https://index.example/pypi/', 'https://index.example/pypi/', undefined],
  ])('given as %s has its pages at %s and its other documents at %s', (upstream, simple, api) => {
    expect(simpleIndex(upstream)).toEqual({ simple, api });
  });
});
