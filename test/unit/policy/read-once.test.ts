import { describe, expect, it } from 'vitest';
import { releasesIn, uploadedAt } from '../../../src/policy/read-once.ts';
import type { JudgedFile, JudgedPage } from '../../../src/pypi/listing.ts';

// What is read off a page once is what is read off it anew.

const file = (filename: string): readonly [string, JudgedFile] => [
  filename,
  { path: filename, entry: { filename, digests: new Map() } },
];
const pageOf = (...names: readonly string[]): JudgedPage => ({ name: 'alpha', files: new Map(names.map(file)) });

describe('releases of a page', () => {
  it('are the files of each version, in whichever spelling, without those that have none', () => {
    const found = releasesIn(pageOf('alpha-1.0.tar.gz', 'alpha-2.tar.gz', 'alpha-1-py3-none-any.whl', 'alpha.txt'));
    expect(found.map(({ version, files }) => [version, files])).toEqual([
      ['1.0', ['alpha-1.0.tar.gz', 'alpha-1-py3-none-any.whl']],
      ['2', ['alpha-2.tar.gz']],
    ]);
  });

  it('are of that page, and another page has its own', () => {
    const page = pageOf('alpha-1.0.tar.gz');
    expect(releasesIn(page)).toBe(releasesIn(page));
    expect(releasesIn(pageOf('alpha-3.0.tar.gz')).map(({ version }) => version)).toEqual(['3.0']);
  });
});

describe('an upload-time', () => {
  it('is in whole seconds, and none where it is no time, however often it is asked for', () => {
    const stating = { uploadTime: '2026-11-25T12:00:00.999Z' };
    const wrong = { uploadTime: 'yesterday' };
    for (let times = 0; times < 2; times++) {
      expect(uploadedAt(stating)).toBe(1_795_608_000);
      expect(uploadedAt(wrong)).toBeUndefined();
      expect(uploadedAt({})).toBeUndefined();
    }
  });
});
