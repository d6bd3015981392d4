import { randomBytes } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { behindItsBack, fileOf, party, scratchDirectory } from './rig.ts';

const ONE: ItemPath = ['main', 'pins', 'one'];
const TWO: ItemPath = ['main', 'pins', 'two'];
const bytes = (text: string) => new TextEncoder().encode(text);
const damaged = { reason: 'state', transient: false };

describe.each([
  ['plain', undefined],
  ['sealed', randomBytes(32)],
] as const)('%s: a row stands for one version of one item of one index', (_, sealKey) => {
  async function two() {
    const root = await scratchDirectory();
    const { state } = await party(root, { sealKey });
    await state.create(ONE, 1, bytes('value of one'));
    await state.create(TWO, 1, bytes('value of two'));
    return { root, state };
  }

  it.each([
    ['another value', "UPDATE item SET value = x'00' WHERE path = 'pins/one/'"],
    [
      'the value of another item',
      "UPDATE item SET value = (SELECT value FROM item WHERE path = 'pins/two/') WHERE path = 'pins/one/'",
    ],
    [
      'the whole row of another item',
      "DELETE FROM item WHERE path = 'pins/one/'; UPDATE item SET path = 'pins/one/' WHERE path = 'pins/two/'",
    ],
    ['another version', "UPDATE item SET version = 2 WHERE path = 'pins/one/'"],
    ['another digest', "UPDATE item SET digest = zeroblob(32) WHERE path = 'pins/one/'"],
    ['a digest of another length', "UPDATE item SET digest = x'00' WHERE path = 'pins/one/'"],
    ['a digest of a hundred megabytes', "UPDATE item SET digest = zeroblob(100000000) WHERE path = 'pins/one/'"],
    ['another seal', "UPDATE item SET seal = zeroblob(32) WHERE path = 'pins/one/'"],
    ['a version beyond what a number holds', "UPDATE item SET version = 1152921504606846977 WHERE path = 'pins/one/'"],
    ['a version below zero', "UPDATE item SET version = -1 WHERE path = 'pins/one/'"],
    ['a value of a hundred megabytes', "UPDATE item SET value = zeroblob(100000000) WHERE path = 'pins/one/'"],
  ])('%s is refused', async (_what, sql) => {
    const { root, state } = await two();
    behindItsBack(root, (database) => database.exec(sql));
    await expect(state.newest(ONE, 0)).rejects.toMatchObject(damaged);
  });

  it('a row that nobody wrote, above the newest, is refused', async () => {
    const { root, state } = await two();
    behindItsBack(root, (database) =>
      database.exec(
        "INSERT INTO item (path, version, value, digest, seal) SELECT path, 9, value, digest, seal FROM item WHERE path = 'pins/one/'",
      ),
    );
    await expect(state.newest(ONE, 1)).rejects.toMatchObject(damaged);
  });

  it('a path that no names make is refused by a list', async () => {
    const { root, state } = await two();
    for (const path of ['pins/one', 'pins/%41/', 'pins/%2f/', '/%/']) {
      behindItsBack(root, (database) => database.prepare('UPDATE item SET path = ? WHERE id = 1').run(path));
      const list = async () => {
        for await (const _ of state.items(['main']));
      };
      await expect(list(), path).rejects.toMatchObject(damaged);
    }
  });

  it('the database of one index is not taken for that of another', async () => {
    const { root, state } = await two();
    await state.close();
    await cp(join(root, 'indexes', 'main'), join(root, 'indexes', 'other'), { recursive: true });
    const again = await party(root, { sealKey, scan: false });
    await expect(again.state.newest(['other', 'pins', 'one'], 0)).rejects.toMatchObject(damaged);
    expect(await again.state.version(ONE, 1)).toBe(1);
  });

  it('a number of a row is never given twice', async () => {
    const { root, state } = await two();
    await state.setAside(['main'], 'all');
    await state.create(ONE, 1, bytes('again'));
    behindItsBack(root, (database) => {
      expect(database.prepare('SELECT id FROM item').all()).toMatchObject([{ id: 3 }]);
    });
  });
});

it('tables are strict: no column takes another type', async () => {
  const root = await scratchDirectory();
  const { state } = await party(root);
  await state.create(ONE, 1, bytes('x'));
  behindItsBack(root, (database) => {
    for (const column of ['path = 1.5', "version = 'x'", "value = 'text'", "digest = 'text'"])
      expect(() => database.exec(`UPDATE item SET ${column.replace('path = 1.5', "path = x'00'")}`)).toThrow(
        /cannot store/,
      );
  });
});

describe('closing', () => {
  it('waits for what was begun, also where nobody waits for it, and refuses what comes later', async () => {
    const root = await scratchDirectory();
    const { state, close } = await party(root);
    const item: ItemPath = ['main', 'pins', 'demo'];
    await state.create(item, 1, Buffer.from('1'));
    await state.create(item, 2, Buffer.from('2'));
    const created = state.create(item, 3, Buffer.from('3'));
    const removed = state.removeBelow(item, 2);
    await close();
    expect(await created).toBe(true);
    await removed;
    await expect(state.version(item, 0)).rejects.toThrow('closed');
    // The last to close has copied the log into the database, and nobody has opened it again.
    expect(await nodeFileOps.facts(`${fileOf(root)}-wal`)).toBeUndefined();
    const again = await party(root);
    expect(await again.state.version(item, 3)).toBe(3);
    expect(await again.state.read(item, 1)).toBeUndefined();
  });
});
