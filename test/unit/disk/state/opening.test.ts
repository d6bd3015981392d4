import { chown, link, mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openDatabase } from '../../../../src/disk/database/sqlite.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { faultyOps, systemError } from '../../../support/faults.ts';
import { behindItsBack, fileOf, party, scratchDirectory } from './rig.ts';

const DEMO: ItemPath = ['main', 'pins', 'demo'];
const bytes = (text: string) => new TextEncoder().encode(text);
const damaged = { reason: 'state', transient: false };
const ROOT = process.getuid?.() === 0;

async function closed(): Promise<{ readonly root: string; readonly file: string; readonly folder: string }> {
  const root = await scratchDirectory();
  const { state, close } = await party(root);
  await state.create(DEMO, 1, bytes('1'));
  await close();
  return { root, file: fileOf(root), folder: dirname(fileOf(root)) };
}

describe('a database whose files are not what was left there is refused, and nothing is made in its place', () => {
  it.each<readonly [string, (at: { root: string; file: string; folder: string }) => Promise<unknown>]>([
    ['no database beside the file that names it', ({ file }) => rm(file)],
    ['an empty database', ({ file }) => writeFile(file, '')],
    ['something else than a database', ({ file }) => writeFile(file, 'x'.repeat(8192))],
    ['no file that names it', ({ folder }) => rm(join(folder, 'format'))],
    ['a file that names another', ({ folder }) => writeFile(join(folder, 'format'), 'other.db 1\n')],
    ['a file that is far too long', ({ folder }) => writeFile(join(folder, 'format'), 'x'.repeat(10_000))],
    [
      'a symbolic link to a database',
      async ({ root, file }) => {
        await rename(file, join(root, 'elsewhere.db'));
        await symlink(join(root, 'elsewhere.db'), file);
      },
    ],
    ['a second name of the database', ({ root, file }) => link(file, join(root, 'second.db'))],
    ['a directory in its place', ({ file }) => rm(file).then(() => mkdir(file))],
    ['a symbolic link as its log', ({ root, file }) => symlink(join(root, 'nowhere'), `${file}-wal`)],
    [
      'a second name of its log',
      async ({ root, file }) => {
        await writeFile(join(root, 'log'), '');
        await link(join(root, 'log'), `${file}-wal`);
      },
    ],
    ['a directory as its shared memory', ({ file }) => mkdir(`${file}-shm`)],
    ['a journal, which SQLite would obey', ({ file }) => writeFile(`${file}-journal`, '')],
    [
      'a symbolic link as its folder',
      async ({ root, folder }) => {
        await rename(folder, join(root, 'elsewhere'));
        await symlink(join(root, 'elsewhere'), folder);
      },
    ],
    ...(ROOT
      ? [['a database of another user', ({ file }: { file: string }) => chown(file, 12345, 12345)] as const]
      : []),
  ])('%s', async (_, change) => {
    const at = await closed();
    await change(at);
    for (const scan of [true, false]) {
      const { state } = await party(at.root, { scan });
      await expect(state.newest(DEMO, 0)).rejects.toMatchObject(damaged);
      await expect(state.create(DEMO, 2, bytes('2'))).rejects.toMatchObject(damaged);
    }
  });

  it('an empty one is called empty', async () => {
    const { root, file } = await closed();
    await writeFile(file, '');
    await expect((await party(root)).state.open('main')).rejects.toMatchObject({
      message: expect.stringMatching(/is empty/),
    });
  });

  it('a journal there is neither obeyed nor removed', async () => {
    const { root, file } = await closed();
    await writeFile(join(root, 'victim'), 'kept');
    await writeFile(`${file}-journal`, 'a journal that names another file');
    await expect((await party(root)).state.open('main')).rejects.toMatchObject(damaged);
    expect((await stat(`${file}-journal`)).size).toBeGreaterThan(0);
    expect((await stat(join(root, 'victim'))).size).toBe(4);
  });

  it.each([
    ['a further table', 'CREATE TABLE more (x)'],
    ['a trigger', 'CREATE TRIGGER t AFTER INSERT ON item BEGIN DELETE FROM item; END'],
    ['a view', "CREATE VIEW v AS SELECT load_extension('x')"],
    ['an index less', 'DROP INDEX item_version'],
    ['a table of another form', 'DROP TABLE aside; CREATE TABLE aside (id INTEGER PRIMARY KEY)'],
    ['the mark of another database', 'PRAGMA application_id = 1'],
    ['another form', 'PRAGMA user_version = 2'],
    ['another kind of journal', 'PRAGMA journal_mode = DELETE'],
  ])('%s in the file', async (_, sql) => {
    const { root } = await closed();
    behindItsBack(root, (database) => database.exec(sql));
    for (const scan of [true, false]) {
      const { state } = await party(root, { scan });
      await expect(state.newest(DEMO, 0)).rejects.toMatchObject(damaged);
    }
  });

  it('a newer form is refused in words of its own', async () => {
    const { root, folder } = await closed();
    await writeFile(join(folder, 'format'), 'state.db 2\n');
    await expect((await party(root)).state.open('main')).rejects.toMatchObject({
      ...damaged,
      message: expect.stringMatching(/newer Verbatim/),
    });
  });
});

describe('a new database', () => {
  it('is readable and writable by its user alone, as its log is', async () => {
    const root = await scratchDirectory();
    const before = process.umask(0);
    try {
      const { state } = await party(root);
      await state.create(DEMO, 1, bytes('1'));
      for (const suffix of ['', '-wal', '-shm']) expect((await stat(fileOf(root) + suffix)).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(before);
    }
  });

  it('appears whole or not at all, whichever step of making it fails', async () => {
    const root = await scratchDirectory();
    let steps = 0;
    for (let at = 1; ; at++) {
      steps = 0;
      let failed = false;
      const ops = faultyOps({
        before: ({ kind, path }) => {
          if (kind === 'facts' || kind === 'open-read' || kind === 'read') return;
          if (path.includes('tmp/') && kind === 'remove-tree') return;
          if (++steps !== at) return;
          failed = true;
          throw systemError('EIO');
        },
      });
      const { state, close } = await party(root, { ops });
      if (
        !(await state.open('main').then(
          () => true,
          () => false,
        ))
      ) {
        expect(failed).toBe(true);
        await close();
        // Whatever is at the name now is a whole database, or nothing.
        const again = await party(root);
        expect((await again.state.open('main')).versions).toBe(0);
        await again.close();
        await rm(join(root, 'indexes'), { recursive: true, force: true });
        continue;
      }
      expect(at).toBeGreaterThan(5);
      return;
    }
  });

  it('of two processes at once is one', async () => {
    const root = await scratchDirectory();
    const parties = await Promise.all(Array.from({ length: 6 }, () => party(root)));
    const won = await Promise.all(parties.map(({ state }, at) => state.create(DEMO, 1, bytes(String(at)))));
    expect(won.filter(Boolean)).toHaveLength(1);
    for (const { state } of parties)
      expect((await state.newest(DEMO, 1))?.value).toEqual(bytes(String(won.indexOf(true))));
  });

  it('lies where its directory is, also where that looks like an address', async () => {
    const root = join(await scratchDirectory(), 'file:x?mode=memory&vfs=unix-none#y%41');
    await mkdir(root);
    const { state, close } = await party(root);
    await state.create(DEMO, 1, bytes('1'));
    await close();
    expect((await stat(fileOf(root))).size).toBeGreaterThan(0);
    expect((await (await party(root)).state.newest(DEMO, 1))?.version).toBe(1);
  });
});

it('a path that is not absolute is not opened', () => {
  expect(() => openDatabase('file:memdb?mode=memory', { access: 'read', synchronous: 'FULL', waitMs: 0 })).toThrow(
    TypeError,
  );
});

it('the files of an open database are looked at by name, and opened by SQLite alone', async () => {
  const root = await scratchDirectory();
  const opened: string[] = [];
  const ops = faultyOps({
    before: ({ kind, path }) => {
      if (/state\.db/.test(path) && kind !== 'facts') opened.push(`${kind} ${path.slice(root.length)}`);
    },
  });
  const { state } = await party(root, { ops });
  await state.create(DEMO, 1, bytes('1'));
  await state.newest(DEMO, 1);
  await state.open('other');
  const again = await party(root, { ops });
  await again.state.create(DEMO, 2, new Uint8Array(100_000));
  await again.state.newest(DEMO, 2);
  await again.state.recover('main', { adopt: false, keepAs: join(root, 'lost', 'x') });
  // Only the empty file of a database that is being made, in a directory of its own, which SQLite does not have open yet.
  expect(opened.filter((step) => !/^open-new \/tmp\//.test(step))).toEqual([]);
  expect(opened).toHaveLength(3);
});

it('state that is only read makes nothing', async () => {
  const root = await scratchDirectory();
  const { state } = await party(root, { readOnly: true });
  expect(await state.newest(DEMO, 0)).toBeUndefined();
  expect(await state.version(DEMO, 0)).toBe(0);
  expect(await nodeFileOps.facts(join(root, 'indexes'))).toBeUndefined();
  await expect(state.newest(DEMO, 1)).rejects.toMatchObject(damaged);
  await expect(state.create(DEMO, 1, bytes('1'))).rejects.toThrow('opened to be read');
  const { root: made } = await closed();
  const { state: there } = await party(made, { readOnly: true });
  await expect(there.create(DEMO, 2, bytes('2'))).rejects.toThrow('state.db was opened to be read');
});

it('a start needs one thread; what is replaced later is scanned in another, so that no write waits for that', async () => {
  const { root } = await closed();
  const serving = await party(root, { ownThreads: true });
  const asked = vi.spyOn(serving.reading, 'call');
  expect(await serving.state.open('main')).toMatchObject({ scanned: true, versions: 1 });
  await serving.state.create(DEMO, 2, bytes('2'));
  expect(asked).not.toHaveBeenCalled();
  const operator = await party(root);
  await operator.state.recover('main', { adopt: false, keepAs: join(root, 'lost') });
  expect((await serving.state.newest(DEMO, 0))?.version).toBe(2);
  expect(asked.mock.calls.map(([kind]) => kind)).toEqual(['scan']);
});
