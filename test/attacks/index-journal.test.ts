import { expect, it } from 'vitest';
import { changesOf } from '../../src/pypi/changes.ts';
import { NONE_LEFT_OUT, type ProjectPage } from '../../src/pypi/project-page.ts';

// Events have a budget; one page may not drive the others out of the journal.

it('the loss of 3,000 files at once fills the journal with no more than a third of it, and says how many', () => {
  const page: ProjectPage = {
    name: 'alpha',
    apiVersion: '1.0',
    files: [],
    meta: new Map(),
    extra: new Map(),
    leftOut: NONE_LEFT_OUT,
  };
  const losses = Array.from({ length: 3000 }, (_, at) => {
    const file = `alpha-1.${at}.tar.gz`;
    return { kind: 'file' as const, file, before: 'sha256:00', after: 'gone' };
  });
  const changes = changesOf(page, page, losses);
  expect(changes).toHaveLength(1001);
  expect(changes.at(-1)).toMatchObject({ kind: 'removed', after: '3000 files in all' });
});
