import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newOwnerName, ownerState } from '../../../src/disk/owner.ts';
import { LAYOUT, openVolume } from '../../../src/disk/volume.ts';
import { faultyOps, systemError } from '../../support/faults.ts';
import { refusalOf, scratch } from '../../support/volume-harness.ts';

describe('a data directory is refused', () => {
  it('where everybody may write', async () => {
    const data = join(await scratch(), 'data');
    await mkdir(data);
    await chmod(data, 0o777);
    expect(await refusalOf(openVolume(data))).toMatchObject({ reason: 'state' });
  });

  it('where it is a symlink', async () => {
    const directory = await scratch();
    await mkdir(join(directory, 'real'));
    await symlink(join(directory, 'real'), join(directory, 'data'));
    expect(await refusalOf(openVolume(join(directory, 'data')))).toMatchObject({
      reason: 'state',
      message: expect.stringContaining('is a symbolic link'),
    });
  });

  it('where it belongs to somebody else', async () => {
    const data = join(await scratch(), 'data');
    await mkdir(data);
    const real = faultyOps({});
    const ops = {
      ...real,
      facts: async (path: string) => {
        const facts = await real.facts(path);
        return facts && path === data ? { ...facts, uid: facts.uid + 1 } : facts;
      },
    };
    expect(await refusalOf(openVolume(data, { ops }))).toMatchObject({ reason: 'state' });
  });

  it.each(['tmp', 'quarantine', 'blobs', 'blobs/sha256', 'blobs/by', 'indexes', 'records'])(
    'where something else lies in the place of its folder %s, and what a link leads to is left alone',
    async (name) => {
      const directory = await scratch();
      const elsewhere = join(directory, 'elsewhere');
      await mkdir(elsewhere);
      const letter = join(elsewhere, 'letter');
      await writeFile(letter, 'x');
      await utimes(letter, 1, 1);
      for (const kind of ['symlink', 'fifo', 'file'] as const) {
        const data = join(directory, kind);
        await (await openVolume(data)).close();
        const path = join(data, name);
        await rm(path, { recursive: true, force: true });
        await mkdir(dirname(path), { recursive: true });
        if (kind === 'symlink') await symlink(elsewhere, path);
        else if (kind === 'fifo') execFileSync('mkfifo', [path]);
        else await writeFile(path, '');
        expect(await refusalOf(openVolume(data))).toMatchObject({
          reason: 'state',
          message: expect.stringContaining(`${path} is not a directory`),
        });
      }
      expect(await readdir(elsewhere)).toEqual(['letter']);
    },
  );

  it('where the record of use is none: the cache could keep no limit', async () => {
    const directory = await scratch();
    const put: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
      'is not a file (a directory)': (path) => mkdir(path),
      'is not a file (a FIFO, socket or device)': async (path) => execFileSync('mkfifo', [path]),
      'cannot be read (ELOOP)': (path) => symlink('/dev/null', path),
      'is larger than': async (path) => {
        await writeFile(path, '');
        await truncate(path, 2 ** 40);
      },
    };
    for (const [why, make] of Object.entries(put)) {
      const data = join(directory, why.replaceAll(/\W/g, ''));
      await (await openVolume(data)).close();
      await mkdir(join(data, 'blobs'));
      await make(join(data, 'blobs', 'used'));
      expect(await refusalOf(openVolume(data))).toMatchObject({
        reason: 'state',
        message: expect.stringMatching(/used .*keep no limit. Move it away/),
      });
      expect((await refusalOf(openVolume(data))).message).toContain(why);
    }
  });

  it('where it is a file', async () => {
    const data = join(await scratch(), 'data');
    await writeFile(data, '');
    expect(await refusalOf(openVolume(data))).toMatchObject({
      reason: 'state',
      message: expect.stringContaining('is not a directory'),
    });
  });

  it('where it cannot be made, in words that say why', async () => {
    const data = join(await scratch(), 'data');
    const ops = faultyOps({
      before: ({ kind }) => {
        if (kind === 'make-directory') throw systemError('EACCES');
      },
    });
    expect(await refusalOf(openVolume(data, { ops }))).toMatchObject({
      reason: 'state',
      message: expect.stringContaining('could not be made (EACCES)'),
    });
  });

  it('of a newer layout, or one that cannot be told', async () => {
    for (const version of [`${LAYOUT + 1}\n`, '', 'one\n', '-1\n', '9'.repeat(100)]) {
      const data = join(await scratch(), 'data');
      await mkdir(data, { mode: 0o700 });
      await writeFile(join(data, 'VERSION'), version);
      expect(await refusalOf(openVolume(data))).toMatchObject({ reason: 'state' });
    }
  });

  it('on a disk that is full, which is called that', async () => {
    for (const code of ['ENOSPC', 'EDQUOT']) {
      const data = join(await scratch(), 'data');
      const ops = faultyOps({
        before: (step) => {
          if (step.kind === 'write' || step.kind === 'open-new') throw systemError(code);
        },
      });
      expect(await refusalOf(openVolume(data, { ops }))).toMatchObject({
        reason: 'limit',
        message: expect.stringContaining(`is full (${code})`),
      });
    }
  });

  it('on a filesystem that cannot rename, link or fsync a directory', async () => {
    for (const kind of ['rename', 'link', 'sync-directory']) {
      const data = join(await scratch(), 'data');
      const ops = faultyOps({
        before: (step) => {
          if (step.kind === kind) throw systemError('ENOTSUP');
        },
      });
      expect(await refusalOf(openVolume(data, { ops }))).toMatchObject({ reason: 'state' });
    }
  });
});

describe('a data directory', () => {
  it('is made, private, with its layout written', async () => {
    const data = join(await scratch(), 'a', 'b');
    const volume = await openVolume(data);
    const facts = await volume.ops.facts(data);
    expect((facts?.mode ?? 0) & 0o777).toBe(0o700);
    await volume.close();
    await (await openVolume(data)).close();
  });

  it('loses what dead processes left, not what live ones hold', async () => {
    const data = join(await scratch(), 'data');
    const sibling = await openVolume(data);
    const held = await sibling.durable.temp(0o600);
    const dead = newOwnerName().replace(/-\d+-\d+-([0-9a-f]+)$/, '-999999999-1-$1');
    const reused = newOwnerName().replace(/-(\d+)-\d+-([0-9a-f]+)$/, '-$1-1-$2');
    const foreignOld = 'elsewhere-1-1-1-00000000';
    const foreignNew = 'elsewhere-1-1-1-00000001';
    for (const name of [dead, reused, foreignOld, foreignNew]) {
      await mkdir(join(data, 'tmp', name));
      await writeFile(join(data, 'tmp', name, 'part'), 'x');
    }
    for (const path of [join(data, 'tmp', foreignOld, 'part'), join(data, 'tmp', foreignOld)])
      await utimes(path, 1000, 1000);
    await writeFile(join(data, 'tmp', 'stray'), '');
    const volume = await openVolume(data);
    const left = await readdir(join(data, 'tmp'));
    expect(left.filter((name) => ownerState(name) === 'alive')).toHaveLength(2);
    expect(left).toContain(foreignNew);
    expect(left).toHaveLength(3);
    await held.commit(join(data, 'committed'));
    await volume.close();
    await sibling.close();
    expect((await readdir(join(data, 'tmp'))).sort()).toEqual([foreignNew]);
  });

  it('whose temporary directory was taken away makes it again', async () => {
    const data = join(await scratch(), 'data');
    const volume = await openVolume(data);
    const [own = ''] = await readdir(join(data, 'tmp'));
    await rename(join(data, 'tmp', own), join(data, 'moved'));
    await volume.durable.replace(join(data, 'f'), Buffer.from('x'));
    expect(await volume.ops.list(data)).toContain('f');
  });

  it('whose directories were removed under it makes them again', async () => {
    const data = join(await scratch(), 'data');
    const volume = await openVolume(data);
    await volume.durable.replace(join(data, 'a', 'b', 'f'), Buffer.from('x'));
    await volume.ops.removeTree(join(data, 'a'));
    await volume.durable.replace(join(data, 'a', 'b', 'f'), Buffer.from('y'));
    await volume.ops.removeTree(join(data, 'a'));
    expect(await volume.durable.claim(join(data, 'a', 'b', 'f'), Buffer.from('z'))).toBe(true);
    expect(await volume.durable.claim(join(data, 'a', 'b', 'f'), Buffer.from('z'))).toBe(false);
  });
});
