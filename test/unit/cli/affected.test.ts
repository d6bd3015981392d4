import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { affectedBy } from '../../../src/cli/records/affected.ts';
import { advisory as advisoryOf, archiveOf } from '../../support/advisories.ts';
import { reasonOf } from '../../support/client.ts';

// Which files an advisory in the format of OSV speaks of.

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-affected-'));
});
afterEach(() => rm(directory, { recursive: true }));

const advisory = async (affected: object, more: object = {}, name = 'a.json') => {
  const path = join(directory, name);
  const named = { package: { ecosystem: 'PyPI', name: 'Demo.Project' }, ...affected };
  await writeFile(path, JSON.stringify({ id: 'PYSEC-1', affected: [named], ...more }));
  return path;
};
const wheels = async (path: string, versions: readonly string[]) => {
  const isAffected = await affectedBy(path);
  return versions.filter((version) => isAffected('demo-project', `demo_project-${version}-py3-none-any.whl`));
};
const range = (...events: readonly object[]) => ({ ranges: [{ type: 'ECOSYSTEM', events }] });

describe('an advisory', () => {
  it('that lists versions means them in every spelling, as wheel and as source', async () => {
    const path = await advisory({ versions: ['1.0', '2.0rc1'] });
    expect(await wheels(path, ['1.0.0', '1.1', '2.0rc1', '2.0'])).toEqual(['1.0.0', '2.0rc1']);
    expect((await affectedBy(path))('demo-project', 'demo-project-1.0.tar.gz')).toBe(true);
    expect((await affectedBy(path))('other', 'other-1.0.tar.gz')).toBe(false);
  });

  it.each([
    ['from the first on', range({ introduced: '0' }), ['1.0', '2.0', '3.0']],
    ['until it was fixed', range({ introduced: '0' }, { fixed: '2.0' }), ['1.0']],
    ['from one on, the last one too', range({ introduced: '2.0' }, { last_affected: '2.0' }), ['2.0']],
    ['again after it was fixed', range({ fixed: '2.0' }, { introduced: '3.0' }, { introduced: '0' }), ['1.0', '3.0']],
    ['in all, where nothing is said', {}, ['1.0', '2.0', '3.0']],
    [
      'by commits alone, which say nothing of versions',
      { versions: ['2.0'], ranges: [{ type: 'GIT', events: [] }] },
      ['2.0'],
    ],
  ])('speaks of versions %s', async (_, affected, expected) => {
    expect(await wheels(await advisory(affected), ['1.0', '2.0', '3.0'])).toEqual(expected);
  });

  it('may be one of many below a folder, or in an array', async () => {
    await mkdir(join(directory, 'pypi'));
    await advisory({ versions: ['1.0'] }, {}, 'pypi/one.json');
    await advisory({ versions: ['2.0'] }, {}, 'two.json');
    await writeFile(join(directory, 'README.md'), 'no advisory');
    expect(await wheels(directory, ['1.0', '2.0', '3.0'])).toEqual(['1.0', '2.0']);
    const path = join(directory, 'all.json');
    const package_ = { ecosystem: 'PyPI', name: 'demo-project' };
    await writeFile(path, JSON.stringify([{ id: 'a', affected: [{ package: package_, versions: ['3.0'] }] }]));
    expect(await wheels(path, ['1.0', '3.0'])).toEqual(['3.0']);
  });

  it.each([
    ['that was withdrawn', { versions: ['1.0'] }, { withdrawn: '2026-01-01T00:00:00Z' }],
    ['of another ecosystem', { package: { ecosystem: 'npm', name: 'demo-project' } }, {}],
    ['of what is no name', { package: { ecosystem: 'PyPI', name: '../x' } }, {}],
  ])('%s names nothing, which is said', async (_, affected, more) => {
    expect(await reasonOf(affectedBy(await advisory(affected, more)))).toBe('format');
  });

  it.each([
    ['no JSON', '{'],
    ['something else', '{"packages":[]}'],
    ['nothing', ''],
  ])('that is %s is refused', async (_, text) => {
    const path = join(directory, 'x.json');
    await writeFile(path, text);
    expect(await reasonOf(affectedBy(path))).toBe('format');
  });

  it('that is larger than any is refused before it is read', async () => {
    const path = await advisory({ versions: ['1.0'] });
    await truncate(path, 64 * 1024 * 1024 + 1);
    await expect(affectedBy(path)).rejects.toMatchObject({ message: expect.stringContaining('is larger than') });
  });

  it('may be one of those of an archive, as OSV exports them', async () => {
    const path = join(directory, 'all.zip');
    await writeFile(path, archiveOf([advisoryOf('PYSEC-1', 'Demo.Project', { versions: ['1.0'] })]));
    expect(await wheels(path, ['1.0', '2.0'])).toEqual(['1.0']);
    await truncate(path, 512 * 1024 * 1024 + 1);
    await expect(affectedBy(path)).rejects.toMatchObject({ message: expect.stringContaining('is larger than') });
  });

  it('that is not there is refused', async () => {
    expect(await reasonOf(affectedBy(join(directory, 'none.json')))).toBe('format');
  });
});
