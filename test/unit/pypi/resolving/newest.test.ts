import { expect, it } from 'vitest';
import { MAX_LOOKED_THROUGH } from '../../../../src/pypi/limits.ts';
import { listingOf, type OwnFile } from '../../../../src/pypi/listing.ts';
import type { Entry } from '../../../../src/pypi/project-page.ts';
import { compareVersions, parseVersion } from '../../../../src/pypi/requirement/version.ts';
import { newestWheel, tagsOf } from '../../../../src/pypi/resolving/newest.ts';

const DIGEST = new Map([['sha256', 'a'.repeat(64)]] as const);

function file(filename: string, says: Partial<Entry> = {}): OwnFile {
  const entry: Entry = { filename, url: filename, digests: DIGEST, coreMetadata: DIGEST, ...says };
  return { entry, upstream: `https://index.example/${filename}`, path: `files/a/sha256-x/${filename}` };
}

const HEAD = { name: 'a', apiVersion: '1.1', versions: [], meta: new Map(), extra: new Map() };
const NONE_LEFT_OUT = { counts: new Map(), lines: [] };

function newestOf(files: readonly OwnFile[], suits: (tags: string) => boolean = () => false): string | undefined {
  return newestWheel(listingOf({ ...HEAD, leftOut: NONE_LEFT_OUT }, files), suits)?.entry.filename;
}

const wheel = (version: string, tags = 'py3-none-any') => `a-${version}-${tags}.whl`;

it.each([
  ['the newest release', ['1.9', '1.10', '1.2'], '1.10'],
  ['no pre-release', ['1.0', '2.0rc1', '2.0a1', '2.0b3'], '1.0'],
  ['no development release', ['1.0', '2.0.dev3', '1.1.post1.dev2'], '1.0'],
  ['a post-release', ['1.0', '1.0.post2', '1.0.post1'], '1.0.post2'],
  ['an epoch before anything', ['2024.1', '1!1.0'], '1!1.0'],
  [
    'a longer number',
    ['9', '123456789012345678901234567890', '123456789012345678901234567889'],
    '123456789012345678901234567890',
  ],
  ['a local version', ['1.0', '1.0+cpu'], '1.0+cpu'],
])('%s is taken', (_, versions, newest) => {
  expect(newestOf(versions.map((version) => file(wheel(version))))).toBe(wheel(newest));
});

it('what is yanked is not taken', () => {
  expect(
    newestOf([file(wheel('1.0')), file(wheel('2.0'), { yanked: true }), file(wheel('3.0'), { yanked: 'bad' })]),
  ).toBe(wheel('1.0'));
});

it('where the newest release has no wheel with core metadata, no older one is taken', () => {
  expect(newestOf([file(wheel('1.0')), file('a-2.0.tar.gz')])).toBeUndefined();
  expect(newestOf([file(wheel('1.0')), file(wheel('2.0'), { coreMetadata: undefined })])).toBeUndefined();
  expect(newestOf([file(wheel('1.0')), file(wheel('2.0'), { coreMetadata: 'announced' })])).toBeUndefined();
});

it('of several wheels of a release it is the one for all, else one that suits, else any', () => {
  const [linux, mac] = [
    file(wheel('1.0', 'cp312-cp312-manylinux_2_17_x86_64')),
    file(wheel('1.0', 'cp312-cp312-macosx_11_0_arm64')),
  ];
  expect(newestOf([linux, mac, file(wheel('1.0'))])).toBe(wheel('1.0'));
  expect(newestOf([linux, mac], (tags) => tags === tagsOf(mac.entry.filename))).toBe(mac.entry.filename);
  expect(newestOf([linux, mac])).toBe(linux.entry.filename);
});

it('a page with very many files is not looked through', () => {
  const many = Array.from({ length: MAX_LOOKED_THROUGH + 1 }, (_, n) => file(wheel(`1.${n}`)));
  expect(newestOf(many.slice(1))).toBe(wheel(`1.${MAX_LOOKED_THROUGH}`));
  expect(newestOf(many)).toBeUndefined();
});

it.each(['', 'one', '1.0-', '1..0', '1.0.x', `1.${'0'.repeat(300)}`])('%j is no version', (version) => {
  expect(parseVersion(version)).toBeUndefined();
});

it('two spellings of a version are not newer than each other', () => {
  const [one, other] = [parseVersion('1.0'), parseVersion('v1.0.0')];
  if (one === undefined || other === undefined) throw new Error('both are versions');
  expect([compareVersions(one, other), compareVersions(other, one)]).toEqual([0, 0]);
});
