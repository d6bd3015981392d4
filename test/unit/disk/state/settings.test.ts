import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../../src/disk/database/sqlite.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { fileOf, party, scratchDirectory } from './rig.ts';

const DEMO: ItemPath = ['main', 'pins', 'demo'];

it.each(['write', 'read'] as const)('a connection to %s has the settings it should have', async (access) => {
  const root = await scratchDirectory();
  const { state } = await party(root);
  await state.create(DEMO, 1, new Uint8Array(1));
  for (const synchronous of ['FULL', 'NORMAL'] as const) {
    const database = openDatabase(fileOf(root), { access, synchronous, waitMs: 50, maxBytes: 40_960_001 });
    const setting = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    expect(
      Object.fromEntries(
        [
          'page_size',
          'journal_mode',
          'synchronous',
          'busy_timeout',
          'trusted_schema',
          'cell_size_check',
          'mmap_size',
          'temp_store',
          'cache_size',
          'wal_autocheckpoint',
          'journal_size_limit',
          'max_page_count',
          'foreign_keys',
        ].map((name) => [name, setting(name)]),
      ),
    ).toEqual({
      page_size: 32 * 1024,
      journal_mode: 'wal',
      synchronous: synchronous === 'FULL' ? 2 : 1,
      busy_timeout: 50,
      trusted_schema: 0,
      cell_size_check: 1,
      mmap_size: 0,
      temp_store: 2,
      cache_size: -2000,
      wal_autocheckpoint: 128,
      journal_size_limit: 16 * 1024 * 1024,
      max_page_count: 1251,
      foreign_keys: 0,
    });
    expect(() => database.enableLoadExtension(true)).toThrow();
    if (access === 'read') expect(() => database.exec('DELETE FROM item')).toThrow(/readonly/);
    database.close();
  }
});

it('a log does not grow with what is written, and is cut after a large value', async () => {
  const root = await scratchDirectory();
  const { state } = await party(root);
  const logBytes = async () => (await stat(`${fileOf(root)}-wal`)).size;
  for (let round = 0; round < 30; round++)
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => state.create(['main', String(at)], round + 1, new Uint8Array(20_000))),
    );
  expect(await logBytes()).toBeLessThan(6_000_000);
  await state.create(DEMO, 1, new Uint8Array(30_000_000));
  for (let version = 2; version < 6; version++) await state.create(DEMO, version, new Uint8Array(1));
  expect(await logBytes()).toBeLessThanOrEqual(16 * 1024 * 1024);
});

describe('loading SQLite', () => {
  const run = (program: string) =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      cwd: join(import.meta.dirname, '../../../..'),
    });

  it('warns nobody, here and in a thread, and silences nothing else', () => {
    const { stdout, stderr } = run(`
      process.getBuiltinModule = ((load) => (name) => {
        process.emitWarning('SQLite is an experimental feature', 'ExperimentalWarning');
        return load.call(process, name);
      })(process.getBuiltinModule);
      const heard = [];
      const emit = (message) => heard.push(message);
      process.emitWarning = emit;
      const { sqlite } = await import('./src/disk/database/sqlite.ts');
      heard.length = 0;
      const { DatabaseSync } = sqlite();
      console.log(heard.length, process.emitWarning === emit, new DatabaseSync(':memory:').prepare('SELECT 1 AS one').get().one);
      process.emitWarning('heard again');
      console.log(heard.length);
    `);
    expect({ stdout, stderr }).toEqual({ stdout: '0 true 1\n1\n', stderr: '' });
  });

  it('is put back where it fails', () => {
    const { stdout } = run(`
      process.getBuiltinModule = () => { throw new Error('none'); };
      const before = process.emitWarning;
      const { sqlite } = await import('./src/disk/database/sqlite.ts');
      try { sqlite(); } catch (error) { console.log(error.message, process.emitWarning === before); }
    `);
    expect(stdout).toBe('none true\n');
  });

  it('costs a program nothing that does not use it', () => {
    const { stdout } = run(`
      let loaded = 0;
      process.getBuiltinModule = ((load) => (name) => { if (name === 'node:sqlite') loaded++; return load.call(process, name); })(process.getBuiltinModule);
      await import('./src/disk/databases.ts');
      console.log(loaded);
    `);
    expect(stdout).toBe('0\n');
  });
});
