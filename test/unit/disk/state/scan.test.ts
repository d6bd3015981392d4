import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { behindItsBack, fileOf, flipValue, type PartyOptions, party, scratchDirectory } from './rig.ts';

const DEMO: ItemPath = ['main', 'pins', 'demo'];
const bytes = (text: string) => new TextEncoder().encode(text);
const damaged = { reason: 'state', transient: false };

async function filled(options: PartyOptions = {}) {
  const root = await scratchDirectory();
  const first = await party(root, options);
  for (const project of ['a', 'b', 'demo']) await first.state.create(['main', 'pins', project], 1, bytes(project));
  await first.state.create(DEMO, 2, bytes('demo 2'));
  return { root, ...first };
}

describe('before an index serves', () => {
  it('all of it was read, and says how much that was', async () => {
    const { root, close } = await filled();
    await close();
    const { state } = await party(root);
    expect(await state.open('main')).toEqual({ scanned: true, versions: 4, damaged: [] });
  });

  it('a command that does not read all of it says so', async () => {
    const { root, close } = await filled();
    await close();
    const { state } = await party(root, { scan: false });
    expect(await state.open('main')).toEqual({ scanned: false, versions: 0, damaged: [] });
    expect(await state.version(DEMO, 2)).toBe(2);
  });

  it('a damaged value is named, refused, and leaves the others alone', async () => {
    const { root, close } = await filled();
    await close();
    flipValue(root, ['main', 'pins', 'a']);
    const { state } = await party(root);
    expect((await state.open('main')).damaged).toEqual([['main', 'pins', 'a']]);
    await expect(state.newest(['main', 'pins', 'a'], 0)).rejects.toMatchObject(damaged);
    expect((await state.newest(DEMO, 2))?.version).toBe(2);
  });

  it.each([
    ['a row that is gone', "DELETE FROM item WHERE path = 'pins/a/'"],
    ['the newest version of an item that is gone', 'DELETE FROM item WHERE version = 2'],
    ['a row too many', "INSERT INTO item SELECT 99, 'pins/c/', version, value, digest, seal FROM item WHERE id = 1"],
    ['a path that was changed', "UPDATE item SET path = 'pins/c/' WHERE path = 'pins/a/'"],
    ['a version that was changed', "UPDATE item SET version = 3 WHERE path = 'pins/a/'"],
    ['no head', 'DELETE FROM head'],
    ['another head', 'UPDATE head SET content = zeroblob(73)'],
    ['an item table of another form', 'ALTER TABLE item ADD COLUMN more TEXT'],
  ])('%s is noticed, plain and sealed', async (_what, sql) => {
    for (const sealKey of [undefined, randomBytes(32)]) {
      const { root, close } = await filled({ sealKey });
      await close();
      behindItsBack(root, (database) => database.exec(sql));
      const { state } = await party(root, { sealKey });
      await expect(state.open('main')).rejects.toMatchObject(damaged);
      await expect(state.newest(DEMO, 0)).rejects.toMatchObject(damaged);
    }
  });

  it('an index that lies about its table is noticed, which a quick check does not', async () => {
    const { root, close } = await filled();
    await close();
    const file = await readFile(fileOf(root));
    // The path of each row stands in the table and in its index; the table comes first.
    const inIndex = file.lastIndexOf('pins/a/');
    expect(file.indexOf('pins/a/')).not.toBe(inIndex);
    file[inIndex + 'pins/'.length] = '0'.charCodeAt(0);
    await writeFile(fileOf(root), file);
    behindItsBack(root, (database) => {
      expect(database.prepare('PRAGMA quick_check').all()).toMatchObject([{ quick_check: 'ok' }]);
    });
    const { state } = await party(root);
    await expect(state.open('main')).rejects.toMatchObject(damaged);
  });
});

describe('under a running server', () => {
  it.each([
    ['deleted', "DELETE FROM item WHERE path = 'pins/demo/'"],
    ['put back to the version before', "DELETE FROM item WHERE path = 'pins/demo/' AND version = 2"],
  ])('an item that is %s is refused at its next read', async (_what, sql) => {
    for (const other of [false, true]) {
      const { root, state, close } = await filled();
      // What another process created counts as well: this one has only followed it.
      const reader = other ? (await party(root)).state : state;
      if (other) await reader.open('main');
      if (other) await close();
      behindItsBack(root, (database) => database.exec(sql));
      await expect(reader.newest(DEMO, 0)).rejects.toMatchObject(damaged);
      await expect(reader.version(DEMO, 0)).rejects.toMatchObject(damaged);
      await expect(reader.read(DEMO, 1)).rejects.toMatchObject(damaged);
      expect((await reader.newest(['main', 'pins', 'a'], 1))?.version).toBe(1);
    }
  });

  it('an item that another process made since the scan may not fall back either, though nobody read it', async () => {
    const { root, state } = await filled();
    const other = (await party(root)).state;
    await other.open('main');
    const names = Array.from({ length: 700 }, (_, at) => `new-${at}`);
    await Promise.all(names.map((name) => state.create(['main', 'pins', name], 1, bytes(name))));
    // Any read follows what was added, 500 rows at a time.
    for (let read = 0; read < 2; read++) await other.version(DEMO, 0);
    behindItsBack(root, (database) => database.exec("DELETE FROM item WHERE path LIKE 'pins/new-%'"));
    for (const name of ['new-0', 'new-499', 'new-699'])
      await expect(other.version(['main', 'pins', name], 0)).rejects.toMatchObject(damaged);
    await expect(other.create(['main', 'pins', 'new-0'], 1, bytes('again'))).resolves.toBe(false);
  });

  it('a database that was replaced by an older copy of itself is refused, by readers and writers', async () => {
    const root = await scratchDirectory();
    const first = await party(root);
    await first.state.create(DEMO, 1, bytes('1'));
    await first.close();
    const old = await readFile(fileOf(root));
    const { state } = await party(root);
    await state.create(DEMO, 2, bytes('2'));
    await writeFile(`${fileOf(root)}.old`, old);
    await rename(`${fileOf(root)}.old`, fileOf(root));
    await expect(state.newest(DEMO, 0)).rejects.toMatchObject(damaged);
    await expect(state.create(['main', 'x'], 1, bytes('x'))).rejects.toMatchObject(damaged);
  });
});
