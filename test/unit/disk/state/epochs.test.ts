import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EpochFile } from '../../../../src/disk/database/epoch-file.ts';
import { Epochs } from '../../../../src/disk/database/epochs.ts';
import { sqlite } from '../../../../src/disk/database/sqlite.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { behindItsBack, fileOf, party, recordsOf, scratchDirectory } from './rig.ts';

const CHILD = join(import.meta.dirname, 'epochs.child.ts');
const DEMO: ItemPath = ['main', 'pins', 'demo'];
const bytes = (text: string) => new TextEncoder().encode(text);
const damaged = { reason: 'state', transient: false };

interface Options {
  readonly sealKey?: Uint8Array;
  readonly sealEpochFile?: string;
  readonly readOnly?: boolean;
}

/** State whose epochs are noted as those of a data directory are: among its records, and in a file outside. */
async function begin(root: string, { sealKey, sealEpochFile, readOnly = false }: Options = {}) {
  const records = recordsOf(root, readOnly);
  const outside = sealEpochFile === undefined ? [] : [new EpochFile(nodeFileOps, sealEpochFile)];
  const { state } = await party(root, { sealKey, readOnly, notes: [records, ...outside] });
  const close = async () => {
    await state.close();
    await records.close();
  };
  return { state, close };
}

describe('a log that lost its newest changes', () => {
  /** Leaves the log as a killed process does: not copied into the database. */
  async function withLog() {
    const root = await scratchDirectory();
    const first = await begin(root);
    await first.state.create(DEMO, 1, bytes('1'));
    behindItsBack(root, (database) => database.exec('PRAGMA wal_checkpoint(TRUNCATE)'));
    await first.state.create(DEMO, 2, bytes('2'));
    await first.state.setAside(['main', 'nothing'], 'x');
    return { root, first };
  }

  it('is noticed by the epoch among the records; without that nobody could tell', async () => {
    const { root, first } = await withLog();
    const log = await readFile(`${fileOf(root)}-wal`);
    const database = await readFile(fileOf(root));
    await first.close();
    // The first page of the log no longer holds together: SQLite takes it for the end of the log.
    log[32 + 24 + 100] = (log[32 + 24 + 100] ?? 0) ^ 1;
    await writeFile(fileOf(root), database);
    await writeFile(`${fileOf(root)}-wal`, log);
    const again = await begin(root);
    await expect(again.state.open('main')).rejects.toMatchObject(damaged);
    await expect(again.state.newest(DEMO, 0)).rejects.toMatchObject(damaged);
    await again.close();
    await writeFile(fileOf(root), database);
    await writeFile(`${fileOf(root)}-wal`, log);
    await rm(join(root, 'records'), { recursive: true });
    expect(await (await begin(root)).state.version(DEMO, 0)).toBe(1);
  });

  it('as a whole directory that was put back is, also where its index is gone', async () => {
    for (const harm of ['older', 'gone']) {
      const root = await scratchDirectory();
      const first = await begin(root);
      await first.state.create(DEMO, 1, bytes('1'));
      await first.close();
      const old = await readFile(fileOf(root));
      const second = await begin(root);
      await second.state.create(DEMO, 2, bytes('2'));
      await second.close();
      if (harm === 'older') await writeFile(fileOf(root), old);
      else await rm(join(root, 'indexes', 'main'), { recursive: true });
      for (const readOnly of [false, true])
        await expect((await begin(root, { readOnly })).state.open('main')).rejects.toMatchObject(damaged);
      // Nothing is begun in the place of what is gone.
      const made = await nodeFileOps.facts(dirname(fileOf(root)));
      expect(made === undefined).toBe(harm === 'gone');
    }
  });
});

describe('the epoch file', () => {
  const sealKey = Buffer.alloc(32, 7);

  it('notices a whole data directory that was put back', async () => {
    const outside = await scratchDirectory();
    const sealEpochFile = join(outside, 'epochs');
    const root = await scratchDirectory();
    const copy = join(outside, 'copy');
    const first = await begin(root, { sealKey, sealEpochFile });
    await first.state.create(DEMO, 1, bytes('1'));
    await first.close();

    await cp(root, copy, { recursive: true });
    const second = await begin(root, { sealKey, sealEpochFile });
    await second.state.create(DEMO, 2, bytes('2'));
    await second.close();
    expect(JSON.parse(await readFile(sealEpochFile, 'utf8'))).toEqual({ main: 3 });
    await expect((await begin(copy, { sealKey, sealEpochFile })).state.open('main')).rejects.toMatchObject(damaged);
    expect(await (await begin(root, { sealKey, sealEpochFile })).state.version(DEMO, 0)).toBe(2);
  });

  it('that cannot be written stops a start, and writes', async () => {
    const outside = await scratchDirectory();
    const root = await scratchDirectory();
    const missing = join(outside, 'missing', 'epochs');
    const none = await begin(root, { sealKey, sealEpochFile: missing });
    await expect(none.state.open('main')).rejects.toMatchObject({
      reason: 'state',
      message: expect.stringMatching(/writable/),
    });
    const sealEpochFile = join(outside, 'epochs');
    const { state } = await begin(root, { sealKey, sealEpochFile });
    await state.create(DEMO, 1, bytes('1'));
    await mkdir(`${sealEpochFile}.d`);
    await rm(sealEpochFile);
    await mkdir(sealEpochFile);
    // The first write is not held up; what it reached cannot be noted, and the next one is told.
    await state.create(DEMO, 2, bytes('2'));
    await expect(state.setAside(['main', 'x', 'nothing'], 'x')).rejects.toMatchObject({ reason: 'state' });
    await expect(state.create(DEMO, 3, bytes('3'))).rejects.toMatchObject({ reason: 'state' });
    await rm(sealEpochFile, { recursive: true });
    expect(await state.create(DEMO, 3, bytes('3'))).toBe(true);
  });

  it('that is damaged is refused, in words', async () => {
    const path = join(await scratchDirectory(), 'epochs');
    for (const content of ['{', '[]', '{"main":-1}', '{"main":"1"}', 'x'.repeat(2_000_000)]) {
      await writeFile(path, content);
      await expect(new EpochFile(nodeFileOps, path).of('main')).rejects.toMatchObject(damaged);
      await expect(new EpochFile(nodeFileOps, path).raise('main', 1)).rejects.toMatchObject(damaged);
    }
  });

  it('never goes down, and leaves no more beside it than its lock', async () => {
    const directory = await scratchDirectory();
    const file = new EpochFile(nodeFileOps, join(directory, 'epochs'));
    await file.raise('main', 5);
    await file.raise('main', 4);
    await file.raise('other', 2);
    expect([await file.of('main'), await file.of('other'), await file.of('none')]).toEqual([5, 2, 0]);
    expect((await readdir(directory)).sort()).toEqual(['.epochs.lock', '.epochs.tmp', 'epochs']);
    expect((await nodeFileOps.facts(join(directory, '.epochs.lock')))?.mode).toBe(0o100600);
  });

  it('that another process raised while the lock was waited for stays where that put it', async () => {
    const directory = await scratchDirectory();
    const path = join(directory, 'epochs');
    const file = new EpochFile(nodeFileOps, path);
    await file.raise('other', 1);
    const holder = new (sqlite().DatabaseSync)(join(directory, '.epochs.lock'));
    holder.exec('BEGIN IMMEDIATE');
    const raising = file.raise('main', 4);
    await file.of('main');
    await writeFile(path, '{"main":9}');
    holder.close();
    await raising;
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ main: 9 });
  });

  it('that four processes raise at once keeps the highest of each', async () => {
    const path = join(await scratchDirectory(), 'epochs');
    const children = Array.from({ length: 4 }, (_, at) =>
      spawn(process.execPath, [CHILD, path, `index-${at}`, '40'], { stdio: ['ignore', 'ignore', 'inherit'] }),
    );
    for (const [code] of await Promise.all(children.map((child) => once(child, 'exit')))) expect(code).toBe(0);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      shared: 40,
      'index-0': 40,
      'index-1': 40,
      'index-2': 40,
      'index-3': 40,
    });
  });
});

describe('epochs', () => {
  it('are noted within their second without being asked, once for many', async () => {
    const noted: number[] = [];
    let done: (() => void) | undefined;
    const first = new Promise<void>((resolve) => {
      done = resolve;
    });
    const epochs = new Epochs([
      {
        of: async () => 0,
        raise: async (_, epoch) => {
          noted.push(epoch);
          done?.();
        },
      },
    ]);
    for (let epoch = 1; epoch <= 100; epoch++) epochs.reached('main', epoch);
    // A timer that keeps no process alive needs somebody who does.
    const alive = setInterval(() => undefined, 1000);
    await first;
    clearInterval(alive);
    expect(noted).toEqual([100]);
  });

  it('in doubt are judged by the highest that was noted anywhere', async () => {
    const of = (epoch: number) => ({ of: async () => epoch, raise: async () => undefined });
    expect(await new Epochs([of(3), of(9), of(0)]).lowest('main')).toBe(9);
    expect(await new Epochs([]).lowest('main')).toBe(0);
  });
});

it('records that are damaged stop the state beside them, in words that say what to do', async () => {
  const root = await scratchDirectory();
  const first = await begin(root);
  await first.state.create(DEMO, 1, bytes('1'));
  await first.close();
  const file = join(root, 'records', 'records.db');
  await truncate(file, 5000);
  await expect((await begin(root)).state.open('main')).rejects.toMatchObject({
    ...damaged,
    message: expect.stringMatching(/records\.db .*moving the directory it lies in away/),
  });
  await rm(join(root, 'records'), { recursive: true });
  expect(await (await begin(root)).state.version(DEMO, 0)).toBe(1);
});
