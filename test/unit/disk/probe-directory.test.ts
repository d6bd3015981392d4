import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeFileOps } from '../../../src/disk/file-ops.ts';
import { probeDirectory } from '../../../src/disk/probe-directory.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-probing-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const NFS = 0x6969;
const FUSE = 0x65735546;
const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

describe('a directory that is tried', () => {
  it('is the next above where it is not there yet, and nothing is made', async () => {
    expect(await probeDirectory(join(folder, 'a/b'), false)).toMatchObject({ isThere: false, at: folder });
    expect(await readdir(folder)).toEqual([]);
  });

  it('has nothing left in it, also where it is in use', async () => {
    await mkdir(join(folder, 'data/tmp'), { recursive: true });
    const { isThere, syncMs } = await probeDirectory(join(folder, 'data'), false);
    expect([isThere, syncMs > 0]).toEqual([true, true]);
    expect(await readdir(folder, { recursive: true })).toEqual(['data', 'data/tmp']);
  });

  it.each(['link', 'rename', 'syncDirectory'] as const)('is refused where %s fails, by its code', async (operation) => {
    const ops = { ...nodeFileOps, [operation]: failing('EPERM') };
    await expect(probeDirectory(folder, false, ops)).rejects.toMatchObject({
      reason: 'state',
      message: expect.stringContaining('EPERM'),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('is refused on a network file system, and on FUSE unless it is allowed', async () => {
    const on = (kind: number) => ({ ...nodeFileOps, fileSystem: async () => kind });
    await expect(probeDirectory(folder, false, on(NFS))).rejects.toMatchObject({
      message: expect.stringContaining('NFS'),
    });
    await expect(probeDirectory(folder, false, on(FUSE))).rejects.toMatchObject({
      message: expect.stringContaining('allow_fuse'),
    });
    expect(await probeDirectory(folder, true, on(FUSE))).toMatchObject({ isThere: true });
  });

  it('is refused where a file has its name', async () => {
    await writeFile(join(folder, 'data'), '');
    await expect(probeDirectory(join(folder, 'data'), false)).rejects.toMatchObject({ reason: 'state' });
  });
});
