import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Folders } from '../../../src/disk/folders.ts';
import { type Counted, faultyOps } from '../../support/faults.ts';
import { filesBelow, scratch } from '../../support/volume-harness.ts';

async function folders() {
  const root = await scratch();
  const steps: string[] = [];
  const ops = faultyOps({ before: ({ kind, path }: Counted) => void steps.push(`${kind} ${path.slice(root.length)}`) });
  return { root, steps, folders: new Folders(ops, root) };
}

describe('directories of a data directory', () => {
  it('that are to last are synced into their parents, once', async () => {
    const { root, steps, folders: made } = await folders();
    for (let time = 0; time < 2; time++) await made.make(join(root, 'a', 'b'));
    expect(steps).toEqual(['make-directory /a', 'sync-directory ', 'make-directory /a/b', 'sync-directory /a']);
  });

  it('that need not last yet are made once, and synced when they have to', async () => {
    const { root, steps, folders: made } = await folders();
    const path = join(root, 'a', 'b', 'file');
    for (let time = 0; time < 2; time++) await made.insideSoon(path, () => writeFile(path, ''));
    expect(steps.filter((step) => step.startsWith('sync'))).toEqual([]);
    expect(steps.filter((step) => step === 'make-directory /a/b')).toHaveLength(2);
    await made.make(join(root, 'a', 'b'));
    expect(steps.filter((step) => step.startsWith('sync'))).toEqual(['sync-directory ', 'sync-directory /a']);
  });

  it('that somebody removed meanwhile are made again', async () => {
    const { root, folders: made } = await folders();
    const path = join(root, 'a', 'b', 'file');
    for (const inside of ['inside', 'insideSoon'] as const) {
      await made[inside](path, () => writeFile(path, ''));
      await rm(join(root, 'a'), { recursive: true });
      await made[inside](path, () => writeFile(path, ''));
      expect(await filesBelow(root)).toEqual(['a/b/file']);
      await rm(join(root, 'a'), { recursive: true });
      made.forget(join(root, 'a'));
    }
  });

  it('that were there before are no error', async () => {
    const { root, folders: made } = await folders();
    await mkdir(join(root, 'a'));
    await made.make(join(root, 'a'));
    await made.insideSoon(join(root, 'a', 'file'), () => writeFile(join(root, 'a', 'file'), ''));
    expect(await filesBelow(root)).toEqual(['a/file']);
  });
});
