import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockingFileOps } from '../../../src/disk/blocking-file-ops.ts';
import { codeOf, nodeFileOps } from '../../../src/disk/file-ops.ts';
import { scratch } from '../../support/volume-harness.ts';

const codeAfter = (task: () => Promise<unknown>) =>
  task().then(
    () => 'done',
    (error: unknown) => codeOf(error),
  );

describe.each([
  ['handed to other threads', nodeFileOps],
  ['on the calling thread', blockingFileOps],
])('steps on disk, %s', (_, ops) => {
  it('write a file that nobody had, name it, and read it again', async () => {
    const root = await scratch();
    const [first, last] = [join(root, 'first'), join(root, 'last')];
    const file = await ops.openNew(first, 0o600);
    expect(await file.write(Buffer.from('abcdef'), 0)).toBe(6);
    await file.sync();
    expect(await file.facts()).toMatchObject({ kind: 'file', size: 6, links: 1 });
    await file.close();
    expect(await codeAfter(() => ops.openNew(first, 0o600))).toBe('EEXIST');
    await ops.rename(first, last);
    await ops.syncDirectory(root);
    expect(await ops.facts(first)).toBeUndefined();
    const again = await ops.openRead(last);
    const into = Buffer.alloc(3);
    expect([await again.read(into, 3, 2), into.toString()]).toEqual([3, 'cde']);
    await again.close();
  });

  it('link, empty, list and remove', async () => {
    const root = await scratch();
    const folder = join(root, 'folder');
    await ops.makeDirectory(folder);
    expect(await codeAfter(() => ops.makeDirectory(folder))).toBe('EEXIST');
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    await (await ops.openNew(one, 0o400)).close();
    await ops.link(one, two);
    expect(await codeAfter(() => ops.link(one, two))).toBe('EEXIST');
    const file = await ops.openAgain(one, 0o400);
    await file.write(Buffer.from('abc'), 0);
    await file.truncate();
    await file.close();
    expect(await ops.facts(two)).toMatchObject({ size: 0, links: 2 });
    expect((await ops.facts(two))?.mode).toBe(0o100400);
    await ops.unlink(two);
    expect(await ops.list(folder)).toEqual(['one']);
    await ops.removeTree(folder);
    expect(await codeAfter(() => ops.list(folder))).toBe('ENOENT');
    expect(await ops.fileSystem(root)).toBeGreaterThan(0);
  });

  it('follow no symlink', async () => {
    const root = await scratch();
    const link = join(root, 'link');
    await symlink(root, link);
    expect(await ops.facts(link)).toMatchObject({ kind: 'symlink' });
    expect(await codeAfter(() => ops.openRead(link))).toBe('ELOOP');
    expect(await codeAfter(() => ops.openAgain(link, 0o600))).toBe('EISDIR');
    expect(await codeAfter(() => ops.syncDirectory(link))).toBe('ENOTDIR');
  });
});
