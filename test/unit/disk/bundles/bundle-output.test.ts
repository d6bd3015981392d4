import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BundleOutput } from '../../../../src/disk/bundles/bundle-output.ts';
import { ExportHistory } from '../../../../src/disk/bundles/export-history.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-bundle-output-'));
});
afterEach(() => rm(directory, { recursive: true }));

const taken = (path: string) =>
  expect.objectContaining({ reason: 'state', message: expect.stringContaining(`${path} exists already`) });
const begin = (path: string) => BundleOutput.begin(nodeFileOps, path, 'bundle');

describe.each([
  ['a file', 'bundle.tar', (path: string) => writeFile(path, '')],
  ['a directory', '', (path: string) => mkdir(path)],
])('a bundle as %s', (_, file, put) => {
  const asked = () => join(directory, file);
  const place = () => join(directory, file === '' ? 'bundle' : file);

  it('is not begun where something lies already, and leaves nothing behind', async () => {
    await put(place());
    await expect(begin(asked())).rejects.toEqual(taken(place()));
    expect(await readdir(directory)).toHaveLength(1);
  });

  it('does not replace what came to lie there while it was made', async () => {
    const output = await begin(asked());
    await output.create('bundle.tar');
    await put(place());
    await expect(output.commit()).rejects.toEqual(taken(place()));
    await output.discard();
    expect(await readdir(directory)).toHaveLength(1);
  });

  it('needs the directory that it is to lie in', async () => {
    const path = join(directory, 'nowhere', file);
    await expect(begin(path)).rejects.toMatchObject({
      reason: 'state',
      message: expect.stringMatching(/is not a directory: make it first/),
    });
  });
});

it('a bundle in a directory gives way to a full one that came there between the last look and the move', async () => {
  const ops = {
    ...nodeFileOps,
    async rename(from: string, to: string) {
      await mkdir(to);
      await writeFile(join(to, 'theirs'), '');
      await nodeFileOps.rename(from, to);
    },
  };
  const output = await BundleOutput.begin(ops, directory, 'bundle');
  await output.create('a');
  await expect(output.commit()).rejects.toEqual(taken(join(directory, 'bundle')));
  expect(await readdir(join(directory, 'bundle'))).toEqual(['theirs']);
  await output.discard();
});

it.each(['ENOTEMPTY', 'EEXIST'])('a bundle gives way, however its system says so: %s', async (code) => {
  const error = Object.assign(new Error('taken'), { code });
  const output = await BundleOutput.begin({ ...nodeFileOps, rename: () => Promise.reject(error) }, directory, 'bundle');
  await expect(output.commit()).rejects.toEqual(taken(join(directory, 'bundle')));
  await output.discard();
});

it('only files that were begun are written to', async () => {
  const output = await begin(directory);
  await expect(output.written('a')).rejects.toThrow('a was not created');
  await output.discard();
});

describe('what is remembered of bundles', () => {
  const history = () => new ExportHistory(nodeFileOps, directory, 'main');

  it('is files in directories, and nothing else', async () => {
    const made = await history().begin();
    await made.create('files.jsonl');
    await made.commit(1);
    await mkdir(join(directory, 'exports/main/000001/more'));
    await expect(history().open(1)).rejects.toMatchObject({
      reason: 'state',
      message: expect.stringMatching(/more is no file/),
    });
    await rm(join(directory, 'exports'), { recursive: true });
    await writeFile(join(directory, 'exports'), '');
    await expect(history().begin()).rejects.toMatchObject({
      reason: 'state',
      message: expect.stringMatching(/exports is not a directory/),
    });
  });

  it('has plain names, and none that its own work bears', async () => {
    const made = await history().begin();
    for (const name of ['../a', '.a', 'a/b', '', 'scratch-a'])
      expect(() => made.create(name)).toThrow('no name of a file of a bundle');
    await made.discard();
  });

  it('may be begun by two at once, whoever makes its directory', async () => {
    const ops = {
      ...nodeFileOps,
      async makeDirectory(path: string) {
        if (path.endsWith('exports')) await mkdir(path);
        await nodeFileOps.makeDirectory(path);
      },
    };
    const made = await new ExportHistory(ops, directory, 'main').begin();
    expect(await made.commit(1)).toBe(true);
    expect(await history().numbers()).toEqual([1]);
  });

  it('cannot be begun where no directory can be made', async () => {
    const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
    const ops = { ...nodeFileOps, makeDirectory: () => Promise.reject(full) };
    await expect(new ExportHistory(ops, directory, 'main').begin()).rejects.toBe(full);
  });
});
