import { expect, it } from 'vitest';
import { type JudgedFile, releasesOf } from '../../../src/provenance/releases.ts';

const by = (...ids: string[]): JudgedFile['provenance'] => ({
  result: 'verified',
  unchecked: [],
  publishers: ids.map((id) => ({ kind: 'GitHub', name: id, id, workflow: 'release.yml', environment: undefined })),
});
const none: JudgedFile['provenance'] = { result: 'none' };
const unknown: JudgedFile['provenance'] = { result: 'unknown' };
const refused: JudgedFile['provenance'] = { result: 'refused', why: 'x' };

let count = 0;
const file = (version: string, provenance: JudgedFile['provenance']): JudgedFile => ({
  filename: `mill-${version}-${++count}.tar.gz`,
  version,
  provenance,
});
const words = (...files: readonly JudgedFile[]) =>
  releasesOf(files).map(({ version, words: said }) => `${version} ${said.join(' ')}`.trim());

it.each([
  ['every file', [by('a'), by('a')], 'full-provenance'],
  ['some files', [by('a'), none], 'partial-provenance'],
  ['files of two publishers', [by('a'), by('b')], 'inconsistent-provenance'],
  ['no file', [none, none], 'no-provenance'],
  ['a file that nobody could judge, and one that says nothing', [none, unknown], ''],
  ['a file whose provenance is wrong', [refused], ''],
  ['a file that is verified, and one that is not held', [by('a'), unknown], 'partial-provenance'],
])('says of a release with provenance of %s what PyPI would say', (_, provenance, said) => {
  expect(words(...provenance.map((each) => file('1.0', each)))).toEqual([`1.0 ${said}`.trim()]);
});

it('says what changed against the release before, in the order of versions and not of files', () => {
  expect(words(file('1.10', none), file('1.9', by('a')), file('1.2', none), file('1.11', by('a')))).toEqual([
    '1.2 no-provenance',
    '1.9 full-provenance',
    '1.10 lost-provenance',
    '1.11 full-provenance',
  ]);
  expect(words(file('1.0', by('a')), file('2.0', by('b')))).toEqual([
    '1.0 full-provenance',
    '2.0 full-provenance changed-provenance',
  ]);
});

it('compares with the last release that is known, and a release published by two with either', () => {
  expect(words(file('1.0', by('a')), file('1.1', unknown), file('1.2', none))).toEqual([
    '1.0 full-provenance',
    '1.1',
    '1.2 lost-provenance',
  ]);
  expect(words(file('1.0', by('a', 'b')), file('1.1', by('b')))).toEqual([
    '1.0 full-provenance',
    '1.1 full-provenance',
  ]);
});

it('takes spellings of one version together, and what is no version first', () => {
  expect(words(file('1.0', by('a')), file('1.0.0', none), file('rubbish', none))).toEqual([
    'rubbish no-provenance',
    '1.0 partial-provenance',
  ]);
});
