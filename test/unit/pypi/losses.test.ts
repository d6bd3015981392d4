import { describe, expect, it } from 'vitest';
import { decodePage } from '../../../src/pypi/decode.ts';
import { lossesOf } from '../../../src/pypi/losses.ts';
import type { Entry, ProjectPage } from '../../../src/pypi/project-page.ts';
import { jsonPage, line, WHEEL } from './fixtures.ts';

const HASH = 'a'.repeat(64);
const page = (changes: Partial<Entry>): ProjectPage => {
  const decoded = decodePage(jsonPage([line(WHEEL)]), 'foo-bar');
  const [entry] = decoded.files;
  const bare = { uploadTime: undefined, requiresPython: undefined, coreMetadata: undefined };
  return { ...decoded, files: entry === undefined ? [] : [{ ...entry, ...bare, ...changes }] };
};
const losses = (before: Partial<Entry>, after: Partial<Entry>) =>
  lossesOf({ page: page(before), serial: 1 }, { page: page(after), serial: 1 });
const loss = (kind: string, before: string, after: string) => [{ kind, file: WHEEL, before, after }];
const digests = (hex: string) => new Map([['sha256', hex]] as const);

describe('what a later page takes away of a file', () => {
  it.each<readonly [string, Partial<Entry>, Partial<Entry>, ReturnType<typeof loss>]>([
    ['that it is to be had', {}, { yanked: 'broken' }, loss('yanked', 'not yanked', 'broken')],
    ['the same, without a reason', {}, { yanked: true }, loss('yanked', 'not yanked', 'yanked')],
    ['that it is yanked', { yanked: true }, {}, loss('unyanked', 'yanked', 'not yanked')],
    ['when it was uploaded', { uploadTime: 'T' }, {}, loss('upload-time', 'T', 'none')],
    ['the same for another time', { uploadTime: 'T' }, { uploadTime: 'U' }, loss('upload-time', 'T', 'U')],
    ['where its provenance is', { provenance: 'P' }, {}, loss('provenance', 'P', 'none')],
    ['which Pythons it is for', { requiresPython: '>3' }, {}, loss('requires-python', '>3', 'none')],
    ['Pythons by a bound it had not', {}, { requiresPython: '>9' }, loss('requires-python', 'none', '>9')],
    ['its core metadata', { coreMetadata: digests(HASH) }, {}, loss('core-metadata', `sha256:${HASH}`, 'none')],
    [
      'its bytes',
      { digests: digests(HASH) },
      { digests: digests('b'.repeat(64)) },
      loss('digest', `sha256:${HASH}`, `sha256:${'b'.repeat(64)}`),
    ],
  ])('is told: %s', (_, before, after, expected) => {
    expect(losses(before, after)).toEqual(expected);
  });

  it.each<readonly [string, Partial<Entry>, Partial<Entry>]>([
    ['another reason why it is yanked', { yanked: true }, { yanked: 'broken' }],
    ['a provenance that it had not', {}, { provenance: 'P' }],
    ['a time that it had not', {}, { uploadTime: 'T' }],
    ['core metadata that it had not', {}, { coreMetadata: digests(HASH) }],
    ['strong digests for weak ones', { digests: new Map(), weak: new Map([['md5', '0']]) }, { digests: digests(HASH) }],
  ])('is nothing: %s', (_, before, after) => {
    expect(losses(before, after)).toEqual([]);
  });
});
