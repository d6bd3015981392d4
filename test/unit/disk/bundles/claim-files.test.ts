import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimFiles } from '../../../../src/disk/bundles/claim-files.ts';
import { type FileOps, nodeFileOps } from '../../../../src/disk/file-ops.ts';
import { makeScratch } from '../../../rigs/mirror.ts';

let directory: string;
beforeEach(async () => {
  directory = await makeScratch();
});
afterEach(() => rm(directory, { recursive: true }));

const files = (...names: readonly string[]) =>
  names.map((name) => ({ path: join(directory, name), mode: 0o600, bytes: Buffer.from(name) }));

/** A disk on which a write of the second file ends so. */
function failing(code: string): FileOps {
  let opened = 0;
  return {
    ...nodeFileOps,
    async openNew(path, mode) {
      const file = await nodeFileOps.openNew(path, mode);
      if (++opened < 2) return file;
      return { ...file, write: () => Promise.reject(Object.assign(new Error(code), { code })) };
    },
  };
}

describe('files that are made together', () => {
  it('are all there, or the one that is in the way is named and none is', async () => {
    expect(await claimFiles(nodeFileOps, files('key', 'key.pub'))).toBeUndefined();
    expect((await readdir(directory)).sort()).toEqual(['key', 'key.pub']);
    await writeFile(join(directory, 'other.pub'), 'mine');
    expect(await claimFiles(nodeFileOps, files('other', 'other.pub'))).toBe(join(directory, 'other.pub'));
    expect((await readdir(directory)).sort()).toEqual(['key', 'key.pub', 'other.pub']);
  });

  it.each([
    ['ENOSPC', 'limit', 'is full (ENOSPC), and nothing was left there: make room.'],
    ['EDQUOT', 'limit', 'is full (EDQUOT), and nothing was left there: make room.'],
    ['EIO', 'state', 'it cannot be written (EIO).'],
  ])('are not there where the disk does not take one: %s', async (code, reason, words) => {
    const made = claimFiles(failing(code), files('key', 'key.pub'));
    await expect(made).rejects.toMatchObject({ reason, message: expect.stringContaining(words) });
    await expect(made).rejects.toThrow(join(directory, 'key.pub'));
    expect(await readdir(directory)).toEqual([]);
  });

  it('are told where their directory is not there, or is none', async () => {
    await expect(claimFiles(nodeFileOps, files('nowhere/key'))).rejects.toThrow(
      `${join(directory, 'nowhere')} is not there: make it first (mkdir).`,
    );
    await mkdir(join(directory, 'below'));
    await writeFile(join(directory, 'below', 'file'), '');
    await expect(claimFiles(nodeFileOps, files('below/file/key'))).rejects.toThrow('it cannot be written (ENOTDIR).');
  });
});
