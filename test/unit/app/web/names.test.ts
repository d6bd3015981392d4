import { describe, expect, it } from 'vitest';
import { Names } from '../../../../src/app/web/names.ts';
import type { PackageIndex } from '../../../../src/mirror/package-index.ts';
import type { IndexState } from '../../../../src/ports/index-state.ts';

async function* given(names: readonly string[]) {
  yield* names;
}

function names(held: readonly string[], listed: readonly string[] | Error): Names {
  const projects: PackageIndex['projects'] = (_, how) => {
    expect(how).toEqual({ held: true });
    if (listed instanceof Error) throw listed;
    return given(listed);
  };
  const state: Pick<IndexState, 'projects'> = { projects: () => given(held) };
  return new Names({ name: 'main', evidence: 'index', projects }, state);
}

const found = async (of: Names, query: string) => (await of.find(query)).found.map(({ project }) => project);

describe('names', () => {
  it('that begin so come before those that hold it, and each comes once', async () => {
    expect(await found(names(['a-lib', 'xlib'], ['lib', 'lib-lib', 'libx', 'other', 'a-lib']), 'lib')).toEqual([
      'lib',
      'lib-lib',
      'libx',
      'a-lib',
      'xlib',
    ]);
  });

  it('say whether they are held', async () => {
    const { found: all, held, listed } = await names(['a1'], ['a1', 'a2']).find('a');
    expect(all).toEqual([
      { project: 'a1', held: true },
      { project: 'a2', held: false },
    ]);
    expect([held, listed]).toEqual([1, 2]);
  });

  it('are those that are held where there is no list', async () => {
    expect(await found(names(['a1'], new Error('none')), 'a')).toEqual(['a1']);
  });

  it('are fifty at most, and say that there are more', async () => {
    const many = Array.from({ length: 80 }, (_, at) => `lib-${at}`);
    const { found: all, more } = await names([], many).find('lib');
    expect([all.length, more]).toEqual([50, true]);
    expect((await names([], many.slice(0, 50)).find('lib')).more).toBe(false);
  });

  it('of nothing are none', async () => {
    expect(await found(names(['a'], ['b']), '')).toEqual([]);
  });
});
