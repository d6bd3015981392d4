import { expect, it } from 'vitest';
import { filesNewestFirst, versionsNewestFirst } from '../../../../src/app/web/newest-first.ts';
import { decodeJson } from '../../../../src/pypi/decode-json.ts';
import { relink } from '../../../../src/pypi/relink.ts';

/** A page as an index orders it: by name. */
async function listed(...names: readonly string[]) {
  const files = [...names].sort().map((filename) => ({
    filename,
    url: `https://files.example/packages/aa/bb/cc/${filename}`,
    hashes: { sha256: 'a'.repeat(64) },
  }));
  const json = JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'lib', files, versions: [] });
  return relink(decodeJson(Buffer.from(json), 'lib'), { pageUrl: 'https://index.example/simple/lib/' });
}

it('versions that people are shown begin with the newest, and end with what is no version', () => {
  const given = ['0.1', '2.10', '2.9', '2.9.0rc1', '2.9.post1', '1!0.1', 'final', '2.10.dev3'];
  expect(versionsNewestFirst(given)).toEqual([
    '1!0.1',
    '2.10',
    '2.10.dev3',
    '2.9.post1',
    '2.9',
    '2.9.0rc1',
    '0.1',
    'final',
  ]);
});

it('files that people are shown begin with the newest version, each of them once', async () => {
  const page = await listed(
    'lib-2.9.tar.gz',
    'lib-2.34.tar.gz',
    'lib-2.34-py3-none-any.whl',
    'lib-2.9-py3-none-any.whl',
    'lib-final.tar.gz',
  );
  expect(filesNewestFirst(page).map(({ entry }) => entry.filename)).toEqual([
    'lib-2.34-py3-none-any.whl',
    'lib-2.34.tar.gz',
    'lib-2.9-py3-none-any.whl',
    'lib-2.9.tar.gz',
    'lib-final.tar.gz',
  ]);
});
