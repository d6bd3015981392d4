import { describe, expect, it } from 'vitest';
import { differencesOf, releaseInfoIn } from '../../../../src/pypi/contents/differences.ts';
import { parseExpression, permits } from '../../../../src/pypi/contents/spdx.ts';
import { startupFiles } from '../../../../src/pypi/contents/startup.ts';
import { statedIn } from '../../../../src/pypi/contents/stated.ts';
import { readDirectory } from '../../../../src/pypi/inspect/zip-directory.ts';

// What is read out of core metadata, and out of the directory of a wheel.

describe('a licence expression', () => {
  const allows = (text: string, ...ids: readonly string[]) => {
    const read = parseExpression(text);
    return read && permits(read, (id) => ids.includes(id));
  };

  it('is a licence, several, or a choice, and AND binds more closely', () => {
    expect(allows('MIT', 'MIT')).toBe(true);
    expect(allows('MIT AND Apache-2.0', 'MIT')).toBe(false);
    expect(allows('MIT OR Apache-2.0', 'MIT')).toBe(true);
    expect(allows('MIT OR Apache-2.0 AND BSD-3-Clause', 'Apache-2.0')).toBe(false);
    expect(allows('MIT OR Apache-2.0 AND BSD-3-Clause', 'MIT')).toBe(true);
    expect(allows('(MIT OR Apache-2.0) and BSD-3-Clause', 'Apache-2.0', 'BSD-3-Clause')).toBe(true);
    expect(allows('GPL-2.0-only WITH Classpath-exception-2.0', 'GPL-2.0-only')).toBe(true);
    expect(allows('LicenseRef-Own', 'LicenseRef-Own')).toBe(true);
  });

  it('is nothing that cannot be read, however long or deep', () => {
    for (const text of ['', ' ', 'MIT OR', 'AND', '(MIT', 'MIT)', 'MIT Apache-2.0', 'MIT WITH', 'a/b', 'WITH x', '()'])
      expect([text, parseExpression(text)]).toEqual([text, undefined]);
    expect(parseExpression('('.repeat(100_000))).toBeUndefined();
    expect(parseExpression(Array(10_000).fill('MIT').join(' OR '))).toBeUndefined();
    expect(parseExpression(`${'('.repeat(200)}MIT${')'.repeat(200)}`)).toMatchObject({ id: 'MIT' });
  });
});

describe('core metadata', () => {
  const read = (lines: string) => statedIn(Buffer.from(`Metadata-Version: 2.4\nName: Alpha\nVersion: 1.0\n${lines}`));

  it('states a licence as an expression, a name or classifiers', () => {
    expect(read('License-Expression: MIT OR Apache-2.0\n')?.licence.expression).toBe('MIT OR Apache-2.0');
    expect(read('License: BSD\nClassifier: License :: OSI Approved :: BSD License\n')?.licence).toMatchObject({
      licence: 'BSD',
      classifiers: ['BSD License'],
    });
    const none = 'License: UNKNOWN\nClassifier: License :: OSI Approved\nClassifier: Topic :: Licensing\n';
    expect(read(none)?.licence).toEqual({ expression: undefined, licence: undefined, classifiers: [] });
  });

  it('whose licence is a text of several lines states no name', () => {
    expect(read('License: MIT License\n        |Permission is hereby granted\n')?.licence.licence).toBeUndefined();
    expect(read(`License: ${'x'.repeat(101)}\n`)?.licence.licence).toBeUndefined();
  });

  it('is its headers alone, and not read where those are too much', () => {
    expect(read('\nLicense-Expression: MIT\n')?.licence.expression).toBeUndefined();
    expect(read('Classifier: x\n'.repeat(30_000))).toBeUndefined();
    expect(read('Classifier: x\n'.repeat(1001))).toBeUndefined();
  });
});

describe('files that Python runs at each start', () => {
  it('are known wherever a wheel puts them', () => {
    for (const name of [
      'evil.pth',
      './evil.pth',
      'a/../evil.pth',
      'Evil.PTH',
      'evil.pth\0.txt',
      'a\\evil.pth',
      'evil.start',
      'sitecustomize.py',
      'usercustomize.cpython-313-x86_64-linux-gnu.so',
      'sitecustomize/__init__.py',
      'alpha-1.0.data/purelib/evil.pth',
      'alpha-1.0.data/platlib/sitecustomize.py',
      'alpha-1.0.data/data/lib/python3.13/site-packages/evil.pth',
      'alpha-1.0.data/data/lib/python3.13/site-packages/sitecustomize/__init__.py',
    ])
      expect([name, startupFiles(['alpha.py', name])]).toEqual([name, [name]]);
  });

  it('are none of those that lie deeper, or are called almost so', () => {
    const others = [
      'alpha/weights.pth',
      'alpha/sitecustomize.py',
      'evil.pth.txt',
      'pth',
      'alpha-1.0.data/purelib/a/b.pth',
    ];
    expect(startupFiles(others)).toEqual([]);
  });

  it('are named, the first five of very many', () => {
    expect(startupFiles(Array.from({ length: 1000 }, (_, at) => `${at}.pth`))).toEqual(
      [0, 1, 2, 3, 4].map((at) => `${at}.pth`),
    );
  });

  it('are found under the other name that a zip gives a member', () => {
    const extra = Buffer.concat([Buffer.from([0x75, 0x70, 13, 0, 1, 0, 0, 0, 0]), Buffer.from('evil.pth')]);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(5, 28);
    entry.writeUInt16LE(extra.byteLength, 30);
    const [member] = readDirectory(Buffer.concat([entry, Buffer.from('a.txt'), extra]), 100);
    expect([member?.name, member?.unicodeName]).toEqual(['a.txt', 'evil.pth']);
  });
});

describe('what an index says of a file', () => {
  const stated = statedIn(
    Buffer.from('Name: Al_pha\nVersion: 1.0.0\nRequires-Python: >=3.9,<4\nRequires-Dist: b (>=1,<2); extra == "x"\n'),
  );
  const info = { requiresPython: '<4, >=3.9', requiresDist: ["B<2,>=1 ; extra == 'x'"] };
  const said = { project: 'al-pha', version: '1.0', requiresPython: '>=3.9, <4', info };
  const differs = (more: Partial<typeof said>) => differencesOf(stated ?? never(), { ...said, ...more });

  it('is the same in whichever way it is written', () => {
    expect(differs({})).toEqual([]);
    expect(differencesOf(stated ?? never(), { ...said, info: undefined })).toEqual([]);
  });

  it('differs in a name, a version, a Python or a requirement, and each is told', () => {
    expect(differs({ project: 'beta' })).toEqual(['Name "Al_pha" and the index says "beta"']);
    expect(differs({ version: '1.1' })).toEqual(['Version "1.0.0" and the index says "1.1"']);
    expect(differs({ requiresPython: '>=3.8' })).toEqual(['Requires-Python ">=3.9,<4" and the index says ">=3.8"']);
    expect(differs({ info: { ...info, requiresDist: [] } })).toEqual([
      'Requires-Dist "b (>=1,<2); extra == "x"" and the index says nothing',
    ]);
    expect(differs({ info: { ...info, requiresDist: [...info.requiresDist, 'evil'] } })).toEqual([
      'Requires-Dist nothing and the index says "evil"',
    ]);
  });

  it('is told in part where it is very much', () => {
    const long = Array.from({ length: 50 }, (_, at) => `${'n'.repeat(500)}${at}`);
    const found = differs({ info: { ...info, requiresDist: long } });
    expect(found).toHaveLength(3);
    expect(found.every((line) => line.length < 300)).toBe(true);
  });

  it('is read out of the JSON document of a release, or is none', () => {
    const read = (text: string) => releaseInfoIn(Buffer.from(text));
    expect(read('{"info":{"requires_dist":["b"],"requires_python":">=3"}}')).toEqual({
      requiresPython: '>=3',
      requiresDist: ['b'],
    });
    expect(read('{"info":{"requires_dist":null,"requires_python":""}}')).toEqual({
      requiresPython: undefined,
      requiresDist: [],
    });
    for (const text of ['', '{', 'null', '[]', '{"info":7}', '{"info":{"requires_dist":[1]}}', '['.repeat(1e6)])
      expect(read(text)).toBeUndefined();
  });
});

function never(): never {
  throw new Error('it was not read');
}
