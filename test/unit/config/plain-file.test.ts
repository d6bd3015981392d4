import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { readRoot } from '../../../src/app/pinned-root.ts';
import { certificateOf } from '../../../src/app/server-files.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { readPlainFile, UnusableFile } from '../../../src/config/plain-file.ts';
import { makeScratch } from '../../rigs/mirror.ts';

let directory: string;
beforeAll(async () => {
  directory = await makeScratch();
  await writeFile(join(directory, 'file'), 'ten  bytes');
  await symlink('file', join(directory, 'link'));
  await mkdir(join(directory, 'folder'));
  execFileSync('mkfifo', [join(directory, 'fifo')]);
  await symlink('fifo', join(directory, 'link to fifo'));
  await symlink('nowhere', join(directory, 'dangling'));
});

it.each(['file', 'link'])('a %s is read, up to its limit', (name) => {
  expect(readPlainFile(join(directory, name), 10).toString()).toBe('ten  bytes');
  expect(() => readPlainFile(join(directory, name), 9)).toThrow(new UnusableFile('is larger than 9 bytes'));
});

const UNUSABLE = [
  ['fifo', 'is not a file'],
  ['link to fifo', 'is not a file'],
  ['/dev/zero', 'is not a file'],
  ['folder', 'is not a file'],
  ['dangling', 'cannot be read (ENOENT)'],
  ['missing', 'cannot be read (ENOENT)'],
] as const;

it.each(UNUSABLE)('%s is refused at once, as configuration, root and certificate', (name, why) => {
  const path = name.startsWith('/') ? name : join(directory, name);
  expect(() => readPlainFile(path, 1000)).toThrow(new UnusableFile(why));
  expect(() => loadConfig({ file: path, env: {} })).toThrow(`${path}`);
  expect(() => readRoot(path)).toThrow(`The root file ${path} ${why}.`);
  const { server } = loadConfig({ env: {}, flags: {} });
  expect(() => certificateOf({ ...server, tls: { cert: path, key: path, warnDays: 14 } })).toThrow(
    `${path} (the certificate) ${why}.`,
  );
});

it('a sparse file of a terabyte is refused before it is read', async () => {
  const path = join(directory, 'sparse');
  await writeFile(path, '');
  await truncate(path, 2 ** 40);
  expect(() => readPlainFile(path, 1000)).toThrow(new UnusableFile('is larger than 1000 bytes'));
});
