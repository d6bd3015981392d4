import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  belongsTo,
  isFileName,
  isNormalized,
  normalizeName,
  projectCandidates,
  releaseVersionOf,
  versionOf,
} from '../../../src/pypi/names.ts';

describe('project names', () => {
  it.each([
    ['foo', 'foo'],
    ['Foo_Bar', 'foo-bar'],
    ['foo.bar', 'foo-bar'],
    ['foo--bar', 'foo-bar'],
    ['foo-._-bar', 'foo-bar'],
    ['0', '0'],
    ['__proto__', undefined],
    ['constructor', 'constructor'],
    ['a'.repeat(200), 'a'.repeat(200)],
  ])('%s → %s', (name, expected) => {
    expect(normalizeName(name)).toBe(expected);
  });

  it.each([
    ['empty', ''],
    ['leading dash', '-foo'],
    ['trailing dot', 'foo.'],
    ['dots', '..'],
    ['slash', 'foo/bar'],
    ['space', 'foo bar'],
    ['trailing line feed', 'foo\n'],
    ['NUL', 'foo\0'],
    ['accents', 'föö'],
    ['300 characters', 'a'.repeat(300)],
    ['KELVIN SIGN', '\u212aeras'],
    ['LONG S', 'reque\u017fts'],
    ['full-width', '\uff46oo'],
    ['lone surrogate', 'a\ud800b'],
  ])('not a name: %s', (_, name) => {
    expect(normalizeName(name)).toBeUndefined();
    expect(isNormalized(name)).toBe(false);
  });

  it('normalizing is idempotent, and only its results are normalized', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('a', 'Z', '9', '-', '_', '.', '\u212a', '\u017f', 'ﬀ'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.oneof(nasty, fc.string({ unit: 'binary' })), (name) => {
        const once = normalizeName(name);
        if (once === undefined) return !isNormalized(name);
        return normalizeName(once) === once && isNormalized(once) && isNormalized(name) === (name === once);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('file names', () => {
  it.each(['foo-1.0.tar.gz', 'foo-1.0+cpu-py3-none-any.whl', 'foo-1!2.0.zip', 'a'.repeat(255)])(
    'accepts %s',
    (name) => {
      expect(isFileName(name)).toBe(true);
    },
  );

  it.each([
    ['empty', ''],
    ['dot', '.'],
    ['slash', 'a/b.whl'],
    ['backslash', 'a\\b.whl'],
    ['dot dot', '../foo-1.0.tar.gz'],
    ['dots inside', 'foo..zip'],
    ['NUL', 'foo\0.zip'],
    ['CR', 'foo\r.zip'],
    ['DEL', 'foo\x7f.zip'],
    ['C1', 'foo\x85.zip'],
    ['lone surrogate', 'foo\ud800.zip'],
    ['256 bytes', 'a'.repeat(256)],
    ['256 bytes of UTF-8', 'é'.repeat(128)],
    ['10 KB', 'a'.repeat(10_240)],
  ])('refuses %s', (_, name) => {
    expect(isFileName(name)).toBe(false);
  });
});

describe('whose file a file name is', () => {
  it.each([
    ['foo_bar-1.0-py3-none-any.whl', ['foo-bar']],
    ['foo_bar-1.0-1-py3-none-any.whl', ['foo-bar']],
    ['Foo.Bar-1.0-py3-none-any.whl', ['foo-bar']],
    ['foo-1.0.tar.gz', ['foo']],
    ['foo-bar-1.0.tar.gz', ['foo-bar', 'foo']],
    ['foo-bar-1.0.zip', ['foo-bar', 'foo']],
    ['foo-1.0-2.tgz', ['foo', 'foo-1-0']],
    ['foo_bar-1.0-py2.7.egg', ['foo-bar', 'foo-bar-1-0']],
    ['foo-1.0.win32-py2.7.exe', ['foo', 'foo-1-0-win32']],
    ['zope.interface-4.0.tar.bz2', ['zope-interface']],
    ['foo-1.0-none-any.whl', []],
    ['foo-1.0-py3-none-any-x86_64_v3.whl', ['foo']],
    ['foo-1.0-1-py3-none-any-x86_64_v3.whl', ['foo']],
    ['foo-1-2-3-4-5-6-7.whl', []],
    ['foo_bar-1.0-py3-none-any.whlx', ['foo-bar']],
    ['foo_bar-1.0-any.whlx', ['foo-bar']],
    ['foo_bar-1.0-a-b-c-d-e-f-g.whlx', ['foo-bar']],
    ['foo_bar.whlx', []],
    ['foo_bar-1.0-variants.json', ['foo-bar']],
    ['foo-bar-1.0-variants.json', ['foo-bar']],
    ['foo_bar--variants.json', []],
    ['foo-1.0.txz', ['foo']],
    ['foo-1.0.tar.lz', ['foo']],
    ['foo-1.0.tar.lzma', ['foo']],
    ['foo-1.0.nupkg', ['foo']],
    ['foo-bar-1.0.pyz', ['foo-bar']],
    ['foo-bar.pyz', []],
    ['foo-1.0.htm', []],
    ['foo-1.0.tar.gz.asc', []],
    ['foo-1.0.tar.gz.sha256', []],
    ['foo-1.0-py3-none-any.whl.metadata', []],
    ['foo-1.0-py3-none-any.whl.metadata.json', []],
    ['foo-1.0--none-any.whl', []],
    ['föö-1.0-py3-none-any.whl', []],
    ['foo-1.0.html', []],
    ['foo.tar.gz', []],
    ['-1.0.tar.gz', []],
    ['../foo-1.0.tar.gz', []],
  ])('%s → %j', (filename, projects) => {
    expect(projectCandidates(filename)).toEqual(projects);
  });

  it('a foreign file name belongs to nobody else', () => {
    expect(belongsTo('foo_bar-1.0-py3-none-any.whl', 'foo-bar')).toBe(true);
    expect(belongsTo('foo_bar-1.0-py3-none-any.whl', 'foo')).toBe(false);
    expect(belongsTo('foo-bar-1.0.tar.gz', 'foo')).toBe(true);
    expect(belongsTo('foobar-1.0.tar.gz', 'foo')).toBe(false);
    expect(belongsTo('constructor-1.0.tar.gz', 'constructor')).toBe(true);
  });

  it('odd names take linear time and few candidates', () => {
    const odd = `${'a-'.repeat(90)}1.tar.gz`;
    expect(projectCandidates(odd).length).toBeLessThanOrEqual(16);
    expect(projectCandidates(odd)[0]).toBe(`${'a-'.repeat(89)}a`);
    expect(projectCandidates(`${'a-'.repeat(100_000)}1.tar.gz`)).toEqual([]);
    expect(belongsTo(odd, 'a')).toBe(true);
  });

  it.each([
    ['foo_bar-1.0-py3-none-any.whl', 'foo-bar', '1.0'],
    ['foo-bar-2.0rc1.tar.gz', 'foo-bar', '2.0rc1'],
    ['foo_bar-1.0-py2.7-linux-x86_64.egg', 'foo-bar', '1.0'],
    ['foo-1.0.tar.gz', 'bar', undefined],
  ])('version of %s for %s is %s', (filename, project, version) => {
    expect(versionOf(filename, project)).toBe(version);
  });

  it('a candidate always owns the file, whatever the name', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'B', '1', '.', '_', '-', '+', '!'), maxLength: 20 });
    const suffix = fc.constantFrom('.whl', '.tar.gz', '.zip', '.egg', '.exe', '.txt', '');
    fc.assert(
      fc.property(part, suffix, (stem, end) =>
        projectCandidates(stem + end).every((project) => isNormalized(project) && belongsTo(stem + end, project)),
      ),
    );
  });
});

describe('the release of a file', () => {
  it.each([
    ['alpha-1.0.tar.gz', '1.0'],
    ['alpha-1.0.post1.zip', '1.0.post1'],
    ['alpha-1.0+local.1-py3-none-any.whl', '1.0+local.1'],
    ['alpha-1.0-py2.7.egg', '1.0'],
    ['alpha-1.0.win32-py2.7.exe', '1.0'],
    ['alpha-1.0.win-amd64-py3.5.msi', '1.0'],
    ['alpha-1.0.win32.exe', '1.0'],
    ['alpha-1.0rc1.win-amd64.zip', '1.0rc1'],
    ['alpha-1.0.linux-x86_64.tar.gz', '1.0'],
    ['alpha-1.0.macosx-10.9-x86_64.tar.gz', '1.0'],
    ['alpha-1.0-py2.7.dmg', '1.0'],
    ['alpha-1.0-1.noarch.rpm', '1.0'],
    ['alpha-1.0-2.x86_64.rpm', '1.0'],
    ['beta-1.0.tar.gz', undefined],
  ])('%s is of %s, whatever it was built for', (filename, version) => {
    expect(releaseVersionOf(filename, 'alpha')).toBe(version);
  });
});
