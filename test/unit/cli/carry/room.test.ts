import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Refusal } from '../../../../src/bytes/refusal.ts';
import { opsForBundle, opsForHistory, refuseNoRoomAt } from '../../../../src/cli/carry/room.ts';
import { tellingWhereFull } from '../../../../src/disk/bundles/full-place.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';

// Where the disk that a bundle is written to, or remembered on, has no room.

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-room-'));
});
afterAll(() => rm(directory, { recursive: true }));

const errno = (code: string) => Object.assign(new Error(code), { code });

describe('a bundle', () => {
  it('that is larger than what is free is refused before it is written, by numbers and with what to do', async () => {
    await expect(refuseNoRoomAt(join(directory, 'b.tar'), Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({
      reason: 'limit',
      message: expect.stringMatching(
        `^The disk of ${directory} has \\d+ bytes free, and the bundle takes ${Number.MAX_SAFE_INTEGER}: nothing of it was left there\\. Make room,`,
      ),
    });
    await refuseNoRoomAt(directory, 1);
  });

  it('goes where nobody can say what is free', async () => {
    await refuseNoRoomAt(join(directory, 'none', 'b.tar'), Number.MAX_SAFE_INTEGER);
  });
});

describe('operations on a disk that is full', () => {
  const full = new Refusal('limit', 'It is full.', { subject: 'request' });
  const failing = (error: Error) => {
    const fails = async (): Promise<never> => Promise.reject(error);
    const openNew = async (path: string, mode: number) => {
      const file = await nodeFileOps.openNew(path, mode);
      return { ...file, write: fails, sync: fails };
    };
    return { ...nodeFileOps, rename: fails, makeDirectory: fails, syncDirectory: fails, openNew };
  };

  it.each(['ENOSPC', 'EDQUOT'])('throw what is to be said of %s', async (code) => {
    const ops = tellingWhereFull(failing(errno(code)), () => full);
    for (const work of [ops.rename('a', 'b'), ops.makeDirectory('a'), ops.syncDirectory('a')])
      await expect(work).rejects.toBe(full);
    const file = await ops.openNew(join(directory, code), 0o600);
    await expect(file.write(Buffer.from('x'), 0)).rejects.toBe(full);
    await expect(file.sync()).rejects.toBe(full);
    await file.close();
    const none = tellingWhereFull({ ...nodeFileOps, openNew: async () => Promise.reject(errno(code)) }, () => full);
    await expect(none.openNew('a', 0o600)).rejects.toBe(full);
  });

  it('throw every other error as it is', async () => {
    const error = errno('EIO');
    await expect(tellingWhereFull(failing(error), () => full).rename('a', 'b')).rejects.toBe(error);
  });

  it('of a bundle and of what is remembered of it work as they are where there is room', async () => {
    for (const [at, ops] of [opsForBundle(directory), opsForHistory(directory)].entries()) {
      const file = await ops.openNew(join(directory, `whole-${at}`), 0o600);
      expect(await file.write(Buffer.from('abc'), 0)).toBe(3);
      await file.sync();
      expect((await file.facts()).size).toBe(3);
      await file.close();
    }
  });
});
