import { describe, expect, it } from 'vitest';
import { rulesOf } from '../../../src/policy/compile.ts';
import { judgePage } from '../../../src/policy/judge.ts';
import { isEverything, matchesFile, matchesName, parsePattern } from '../../../src/policy/pattern.ts';
import type { ConditionSettings, NamesSettings, PolicySettings } from '../../../src/policy/settings.ts';
import { isSimilar } from '../../../src/policy/similar.ts';
import type { JudgedFile, JudgedPage } from '../../../src/pypi/listing.ts';

// What names and conditions say of a page.

const DAY = 86_400;
const NOW = Date.UTC(2026, 10, 26, 12) / 1000;

const NOTHING: PolicySettings = {
  minimumAge: undefined,
  missingUploadTime: 'omit',
  projects: [],
  names: undefined,
  conditions: [],
  exceptions: [],
};

/** Days ago, by file name. */
function page(files: Readonly<Record<string, number>>, more: Partial<JudgedPage> = {}): JudgedPage {
  const judged = Object.entries(files).map(([filename, days]): readonly [string, JudgedFile] => [
    filename,
    {
      path: filename,
      entry: { filename, digests: new Map(), uploadTime: new Date((NOW - days * DAY) * 1000).toISOString() },
    },
  ]);
  return { name: 'alpha', files: new Map(judged), ...more };
}

function said(of: JudgedPage, settings: Partial<PolicySettings>): Readonly<Record<string, string>> {
  const verdict = judgePage(rulesOf({ ...NOTHING, ...settings }), { page: of, pins: new Map(), facts: {}, now: NOW });
  const words = [...of.files.keys()].map((name) => [name, verdict.files.get(name) ?? verdict.others] as const);
  return Object.fromEntries(
    words.flatMap(([name, word]) => (word.action === 'serve' ? [] : [[name, word.refusal(name).message]])),
  );
}

const names = (of: JudgedPage, more: Partial<NamesSettings>) =>
  Object.keys(said(of, { names: { allow: undefined, deny: [], action: 'hide', ...more } }));

const when = (of: JudgedPage, condition: ConditionSettings) => said(of, { conditions: [condition] });

describe('a pattern', () => {
  it('is a glob on normalized names, and may have a range of versions', () => {
    for (const [text, name, is] of [
      ['acme-*', 'acme-tools', true],
      ['Acme_*', 'acme-tools', true],
      ['acme-*', 'acme', false],
      ['*-internal', 'a-internal-b-internal', true],
      ['a?c', 'abc', true],
      ['a?c', 'abbc', false],
      ['requests', 'requests-toolbelt', false],
      ['requests', 'my-requests', false],
    ] as const) {
      const pattern = parsePattern(text);
      expect([text, name, pattern && matchesName(pattern, name)]).toEqual([text, name, is]);
    }
    const ranged = parsePattern('alpha >=1, <2');
    if (ranged === undefined) throw new Error('it is no pattern');
    expect(matchesFile(ranged, 'alpha', 'alpha-1.5.tar.gz')).toBe(true);
    expect(matchesFile(ranged, 'alpha', 'alpha-2.0-py3-none-any.whl')).toBe(false);
    expect(matchesFile(ranged, 'beta', 'beta-1.5.tar.gz')).toBe(false);
  });

  it('is nothing that cannot be read', () => {
    for (const text of ['', '<2', 'a b', 'alpha <', 'alpha ~=1', 'a/b', '../x', 'alpha >=x', 'ä'])
      expect([text, parsePattern(text)]).toEqual([text, undefined]);
  });

  it('matches long names in a time that is bounded', () => {
    const pattern = parsePattern(`${'*a'.repeat(90)}b`);
    expect(pattern && matchesName(pattern, 'a'.repeat(10_000))).toBe(false);
  });

  it('that matches everything is known as such, in whichever way it is written', () => {
    for (const text of ['*', '**', '?*', '*?', '*?*'])
      expect([text, isEverything(parsePattern(text) ?? parsePatternFailed())]).toEqual([text, true]);
    for (const text of ['?', '??*', '*a', 'a*'])
      expect([text, isEverything(parsePattern(text) ?? parsePatternFailed())]).toEqual([text, false]);
  });
});

function parsePatternFailed(): never {
  throw new Error('it is no pattern');
}

describe('names', () => {
  const FILES = page({ 'alpha-1.0.tar.gz': 9, 'alpha-2.0.tar.gz': 9 });

  it('that are denied hold back the project, or the versions in a range', () => {
    expect(names(FILES, { deny: ['al*'] })).toEqual(['alpha-1.0.tar.gz', 'alpha-2.0.tar.gz']);
    expect(names(FILES, { deny: ['alpha <2'] })).toEqual(['alpha-1.0.tar.gz']);
    expect(names(FILES, { deny: ['beta'] })).toEqual([]);
  });

  it('that are allowed let nothing else pass, and what is denied goes before', () => {
    expect(names(FILES, { allow: ['beta'] })).toEqual(['alpha-1.0.tar.gz', 'alpha-2.0.tar.gz']);
    expect(names(FILES, { allow: ['alpha >=2'] })).toEqual(['alpha-1.0.tar.gz']);
    expect(names(FILES, { allow: ['alpha'], deny: ['alpha ==2.0'] })).toEqual(['alpha-2.0.tar.gz']);
  });

  it('that are denied are refused before anybody is asked for them, and those that are hidden are not', () => {
    const projectOf = (action: 'deny' | 'hide') => {
      const [rule] = rulesOf({ ...NOTHING, names: { allow: undefined, deny: ['al*', 'beta <2'], action } });
      return ['alpha', 'beta', 'gamma'].map((name) => rule?.project?.(name)?.sentence(name));
    };
    expect(projectOf('deny')).toEqual([
      'alpha is not served: the policy of this mirror denies "al*".',
      undefined,
      undefined,
    ]);
    expect(projectOf('hide')).toEqual([undefined, undefined, undefined]);
  });
});

describe('a condition', () => {
  const base = { name: 'mine', action: 'hide' } as const;

  it('knows a release that must be built where the one before had wheels', () => {
    const condition = { ...base, when: 'sdist-only' } as const;
    const had = page({ 'alpha-1.0-py3-none-any.whl': 9, 'alpha-1.10.tar.gz': 5, 'alpha-0.9.tar.gz': 20 });
    expect(when(had, condition)).toEqual({
      'alpha-1.10.tar.gz': expect.stringContaining('of a release without any wheel, and 1.0 before it had some'),
    });
    expect(when(page({ 'alpha-1.0.tar.gz': 9, 'alpha-2.0.tar.gz': 5 }), condition)).toEqual({});
  });

  it('knows a file that joins its release late', () => {
    const late = page({ 'alpha-1.0.tar.gz': 100, 'alpha-1.0-py3-none-any.whl': 3, 'alpha-1.0-cp314-none-any.whl': 90 });
    expect(when(late, { ...base, when: 'late-file', after: 14 * DAY })).toEqual({
      'alpha-1.0-py3-none-any.whl': expect.stringContaining('joined release 1.0 on 2026-11-23'),
    });
  });

  it.each(['archived', 'deprecated'] as const)('knows that a project is %s', (status) => {
    const marked = page({ 'alpha-1.0.tar.gz': 9 }, { projectStatus: { status, reason: 'moved' } });
    const condition = { ...base, when: 'status', in: [status] } as const;
    expect(when(marked, condition)['alpha-1.0.tar.gz']).toContain(`calls ${status} (moved)`);
    expect(when(page({ 'alpha-1.0.tar.gz': 9 }), condition)).toEqual({});
  });

  it('knows a new project that is called almost as another', () => {
    const condition = { ...base, when: 'similar-name', to: ['requests', 'Py_YAML'], youngerThan: 30 * DAY } as const;
    const of = (name: string, days: number) =>
      Object.keys(when(page({ [`${name}-1.0.tar.gz`]: days }, { name }), condition));
    expect(of('reqeusts', 3)).toEqual(['reqeusts-1.0.tar.gz']);
    expect(of('pyyaml', 3)).toEqual(['pyyaml-1.0.tar.gz']);
    expect(of('reqeusts', 31)).toEqual([]);
    expect(of('requests', 3)).toEqual([]);
    expect(of('flask', 3)).toEqual([]);
  });
});

it.each([
  ['requests', 'request', true],
  ['request', 'requests', true],
  ['requests', 'reqwests', true],
  ['requests', 'reqeusts', true],
  ['scikit-learn', 'scikitlearn', true],
  ['requests', 'requests', false],
  ['requests', 'request5x', false],
  ['numpy', 'nmupy2', false],
])('%s and %s: one slip of the pen is %s', (one, other, is) => {
  expect(isSimilar(one, other)).toBe(is);
});
