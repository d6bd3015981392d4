import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { releaseFault, tagsOfHead } from '../../scripts/release/tag.ts';

// Which tag a release must bear, and what keeps a commit from being one.

const run = promisify(execFile);
const UNRELEASED = '# Changelog\n\n## [Unreleased]\n\n### Added\n';
const RELEASED = '# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-11-26\n\n### Added\n';

it.each([
  ['a commit without a tag, while its changes are unreleased', [], UNRELEASED],
  ['a commit without a tag, whose version has a section', [], RELEASED],
  ['a commit that bears its tag, and whose version has a section', ['v1.2.0'], RELEASED],
  ['a commit with a tag that names no version', ['nightly', 'v1.2.0'], RELEASED],
] as const)('%s may be released', (_, tags, changelog) => {
  expect(releaseFault({ version: '1.2.0', tags, changelog })).toBeUndefined();
});

it.each([
  ['that is tagged as another version', ['v1.1.0'], RELEASED, /tagged v1\.1\.0, .* says 1\.2\.0: tag it v1\.2\.0/],
  ['that is tagged as two', ['v1.2.0', 'v1.3.0'], RELEASED, /tagged v1\.3\.0/],
  [
    'whose tag says that it is released, and whose changes do not',
    ['v1.2.0'],
    UNRELEASED,
    /no section "## \[1\.2\.0\]":/,
  ],
  ['of which nobody says what is new', [], '# Changelog\n', /and none that is unreleased/],
] as const)('a commit %s is not released', (_, tags, changelog, why) => {
  expect(releaseFault({ version: '1.2.0', tags, changelog })).toMatch(why);
});

it('tags are those of the commit that is checked out, where there is one', async () => {
  const root = await mkdtemp(join(tmpdir(), 'verbatim-tag-'));
  onTestFinished(() => rm(root, { recursive: true }));
  expect(tagsOfHead(root)).toBeUndefined();
  const git = (...words: readonly string[]) =>
    run('git', ['-C', root, '-c', 'user.name=a', '-c', 'user.email=a@example.com', ...words]);
  await git('init', '-q');
  await writeFile(join(root, 'file'), 'one');
  await git('add', 'file');
  await git('commit', '-q', '-m', 'one');
  await git('tag', 'v1.0.0');
  expect(tagsOfHead(root)).toEqual(['v1.0.0']);
  await git('commit', '-q', '--allow-empty', '-m', 'two');
  expect(tagsOfHead(root)).toEqual([]);
});
