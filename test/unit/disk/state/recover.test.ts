import { randomBytes } from 'node:crypto';
import { cp, mkdir, open, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { sqlite } from '../../../../src/disk/database/sqlite.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';
import type { FirstItem } from '../../../../src/disk/state/state-options.ts';
import type { ItemPath, StateStorage } from '../../../../src/ports/state-storage.ts';
import { faultyOps, systemError } from '../../../support/faults.ts';
import { behindItsBack, fileOf, flipValue, type PartyOptions, party, scratchDirectory } from './rig.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const damaged = { reason: 'state', transient: false };
const item = (name: string): ItemPath => ['main', 'pins', name];

function notes() {
  const noted = new Map<string, number>();
  return {
    noted,
    of: async (index: string) => noted.get(index) ?? 0,
    raise: async (index: string, epoch: number) => void noted.set(index, Math.max(epoch, noted.get(index) ?? 0)),
  };
}

async function filled(options: PartyOptions = {}) {
  const root = await scratchDirectory();
  const made = await party(root, options);
  for (const name of ['a', 'b', 'c']) {
    await made.state.create(item(name), 1, bytes(`${name} 1`));
    await made.state.create(item(name), 2, bytes(`${name} 2`));
  }
  return { root, keepAs: join(root, 'indexes', 'main', 'lost', 'then'), ...made };
}

const versionsOf = (name: string) => (database: DatabaseSync) =>
  database
    .prepare('SELECT version FROM item WHERE path = ? ORDER BY version')
    .all(`pins/${name}/`)
    .map(({ version }) => version);

async function listed(storage: StateStorage, below: ItemPath): Promise<readonly ItemPath[]> {
  const found: ItemPath[] = [];
  for await (const path of storage.items(below)) found.push(path);
  return found;
}

describe('what an operator gives up for lost', () => {
  it('is what cannot be believed, and nothing else; the old database is kept as it was', async () => {
    const { root, keepAs, close } = await filled();
    await close();
    flipValue(root, item('b'));
    const { state } = await party(root);
    expect(await state.recover('main', { adopt: false, keepAs })).toMatchObject({
      kept: 2,
      adopted: 0,
      lost: [['pins', 'b']],
      setAside: true,
    });
    expect(await state.open('main')).toEqual({ scanned: true, versions: 4, damaged: [] });
    expect(await state.version(item('b'), 0)).toBe(0);
    expect((await state.newest(item('a'), 2))?.value).toEqual(bytes('a 2'));
    expect(await state.read(item('c'), 1)).toEqual(bytes('c 1'));
    expect(await readdir(keepAs)).toContain('state.db');
  });

  it('is a whole item where its newest version is damaged, and one version where an older one is', async () => {
    const { root, keepAs, close } = await filled();
    await close();
    behindItsBack(root, (database) =>
      database.exec(
        "UPDATE item SET value = x'00' WHERE (path = 'pins/a/' AND version = 2) OR (path = 'pins/b/' AND version = 1)",
      ),
    );
    const { state } = await party(root);
    expect(await state.recover('main', { adopt: false, keepAs })).toMatchObject({ kept: 2, lost: [['pins', 'a']] });
    expect(await state.version(item('a'), 0)).toBe(0);
    expect(await state.read(item('b'), 1)).toBeUndefined();
    expect(await state.version(item('b'), 0)).toBe(2);
  });

  it('begins beyond every epoch that was noted, so that it is not older than what it replaces', async () => {
    const noted = notes();
    const { root, keepAs, close } = await filled({ notes: [noted] });
    await close();
    await truncate(fileOf(root), 100);
    const before = noted.noted.get('main') ?? 0;
    const { state } = await party(root, { notes: [noted] });
    await expect(state.open('main')).rejects.toMatchObject(damaged);
    const { epoch, kept } = await state.recover('main', { adopt: false, keepAs });
    expect({ kept, beyond: epoch > before }).toEqual({ kept: 0, beyond: true });
    expect(noted.noted.get('main')).toBe(epoch);
    expect((await (await party(root, { notes: [noted] })).state.open('main')).versions).toBe(0);
  });

  it.each([
    ['nothing at all', (root: string) => rm(join(root, 'indexes'), { recursive: true }), false, 0],
    ['a database that is gone', (root: string) => rm(fileOf(root)), true, 0],
    ['something else than a database', (root: string) => writeFile(fileOf(root), 'x'.repeat(8192)), true, 0],
    [
      'a file that is no directory in its place',
      async (root: string) => {
        await rm(dirname(fileOf(root)), { recursive: true });
        await writeFile(dirname(fileOf(root)), 'x');
      },
      true,
      0,
    ],
    [
      'rows that are missing',
      async (root: string) => behindItsBack(root, (database) => database.exec('DELETE FROM item WHERE id = 2')),
      true,
      3,
    ],
  ])('may be %s', async (_, harm, setAside, kept) => {
    const { root, keepAs, close } = await filled();
    await close();
    await harm(root);
    const { state } = await party(root);
    expect(await state.recover('main', { adopt: false, keepAs })).toMatchObject({ setAside, kept });
    expect((await state.open('main')).damaged).toEqual([]);
    expect(await state.create(item('new'), 1, bytes('new'))).toBe(true);
  });

  it('of a table with a torn page is what that page held', async () => {
    const root = await scratchDirectory();
    const { state, close } = await party(root);
    for (let at = 0; at < 60; at++) await state.create(item(`project-${at}`), 1, Buffer.alloc(1000, at));
    await close();
    const pageOfRow = 4096;
    const file = await open(fileOf(root), 'r+');
    const whole = await file.readFile();
    const at = Math.floor(whole.indexOf(Buffer.alloc(900, 30)) / pageOfRow) * pageOfRow;
    await file.write(Buffer.alloc(pageOfRow, 0xff), 0, pageOfRow, at);
    await file.close();
    const again = await party(root);
    await expect(again.state.open('main')).rejects.toMatchObject(damaged);
    const { kept } = await again.state.recover('main', { adopt: false, keepAs: join(root, 'lost') });
    expect(kept).toBeGreaterThan(40);
    expect(kept).toBeLessThan(60);
    for (let each = 0; each < 60; each++) {
      const found = await again.state.newest(item(`project-${each}`), 0);
      if (found !== undefined) expect(Buffer.from(found.value).equals(Buffer.alloc(1000, each))).toBe(true);
    }
  });
});

describe('a key that is new, changed or gone', () => {
  it.each([
    ['new', undefined, randomBytes(32)],
    ['changed', randomBytes(32), randomBytes(32)],
    ['gone', randomBytes(32), undefined],
  ])('%s: with --adopt all that is whole is sealed anew, without it nothing is believed', async (_, before, now) => {
    for (const adopt of [true, false]) {
      const { root, keepAs, close } = await filled({ sealKey: before });
      await close();
      flipValue(root, item('b'));
      const { state } = await party(root, { sealKey: now });
      expect(await state.recover('main', { adopt, keepAs })).toMatchObject({
        kept: 0,
        adopted: adopt ? 2 : 0,
        lost: adopt
          ? [['pins', 'b']]
          : [
              ['pins', 'a'],
              ['pins', 'b'],
              ['pins', 'c'],
            ],
      });
      const again = await party(root, { sealKey: now });
      expect((await again.state.open('main')).versions).toBe(adopt ? 4 : 0);
      expect(await again.state.version(item('a'), 0)).toBe(adopt ? 2 : 0);
    }
  });
});

describe('under a running server', () => {
  it('whoever has the old database open goes on with the new one, and writes nothing to the old', async () => {
    const { root, state, keepAs, close } = await filled();
    expect(await state.version(item('a'), 0)).toBe(2);
    const operator = await party(root);
    await operator.state.recover('main', { adopt: false, keepAs });
    await operator.state.create(item('d'), 1, bytes('d 1'));
    const all = await Promise.all([
      state.create(item('a'), 3, bytes('a 3')),
      state.newest(item('d'), 0),
      state.version(item('b'), 2),
      listed(state, ['main']),
    ]);
    expect(all).toEqual([true, { version: 1, value: bytes('d 1') }, 2, expect.any(Array)]);
    expect(await operator.state.version(item('a'), 2)).toBe(3);
    expect(behindItsBack(root, versionsOf('a'))).toEqual([1, 2, 3]);
    await close();
    // The last connection of this process to the old database took nothing from the new one.
    expect(await nodeFileOps.facts(`${fileOf(root)}-wal`)).toBeDefined();
    expect(await operator.state.create(item('d'), 2, bytes('d 2'))).toBe(true);
    await operator.close();
    expect(await (await party(root)).state.version(item('d'), 0)).toBe(2);
  });

  it('another database in its place that is not beyond what was seen is refused', async () => {
    for (const [created, outcome] of [
      [1, damaged],
      [20, undefined],
    ] as const) {
      const { root, state } = await filled();
      const other = await filled();
      for (let version = 3; version < 3 + created; version++)
        await other.state.create(item('a'), version, bytes(`a ${version}`));
      await other.close();
      // As many transactions here, and some more: an older copy of its own would have as few.
      for (let version = 3; version < 8; version++) await state.create(item('a'), version, bytes('a'));
      await rename(dirname(fileOf(root)), `${dirname(fileOf(root))}.moved`);
      await rename(dirname(fileOf(other.root)), dirname(fileOf(root)));
      const asked = state.version(item('b'), 0);
      if (outcome === undefined) expect(await asked).toBe(2);
      else await expect(asked).rejects.toMatchObject(outcome);
    }
  });

  it('a folder that somebody moved or removed is not written to', async () => {
    for (const harm of [
      (folder: string) => rename(folder, `${folder}.moved`),
      (folder: string) => rm(folder, { recursive: true }),
    ]) {
      const { root, state } = await filled();
      await harm(dirname(fileOf(root)));
      await expect(state.create(item('a'), 3, bytes('a 3'))).rejects.toMatchObject(damaged);
      await expect(state.version(item('a'), 0)).rejects.toMatchObject(damaged);
      // Another process finds nothing there, and must not be the second to win a version.
      expect(await (await party(root)).state.create(item('a'), 3, bytes('a 3'))).toBe(true);
      await expect(state.create(item('a'), 4, bytes('a 4'))).rejects.toMatchObject(damaged);
    }
  });

  it('nothing is moved while another process writes', async () => {
    const { root, keepAs, close } = await filled();
    await close();
    const other = new (sqlite().DatabaseSync)(fileOf(root));
    other.exec('BEGIN IMMEDIATE');
    const { state } = await party(root, { waitMs: 50 });
    await expect(state.recover('main', { adopt: false, keepAs })).rejects.toMatchObject({ transient: true });
    expect(await nodeFileOps.facts(keepAs)).toBeUndefined();
    other.exec('COMMIT');
    other.close();
    expect((await state.recover('main', { adopt: false, keepAs })).kept).toBe(3);
  });
});

it('a swap that a crash cut in two is finished at the next start', async () => {
  for (const cut of [1, 2]) {
    const { root, keepAs, close } = await filled();
    await close();
    let renames = 0;
    const ops = faultyOps({
      before: ({ kind }) => {
        if (kind === 'rename' && ++renames === cut + 1) throw systemError('EIO');
      },
    });
    const first = await party(root, { ops });
    await expect(first.state.recover('main', { adopt: false, keepAs })).rejects.toThrow();
    await first.close();
    const { state } = await party(root);
    expect((await state.open('main')).versions).toBe(6);
    expect(await state.version(item('a'), 0)).toBe(2);
    if (cut === 2) expect(await readdir(keepAs)).toContain('state.db');
  }
});

describe('an index that begins with items', () => {
  async function* items(...names: readonly string[]): AsyncIterable<FirstItem> {
    for (const name of names) yield { item: item(name), version: 7, value: bytes(name) };
  }

  it('has them all at once, under its seal and beyond the epoch that is given', async () => {
    for (const sealKey of [undefined, randomBytes(32)]) {
      const noted = notes();
      const root = await scratchDirectory();
      const { state, close } = await party(root, { sealKey, notes: [noted] });
      expect(await state.begin('main', items('a', 'b'), 41)).toBe(true);
      expect((await state.open('main')).versions).toBe(2);
      expect(noted.noted.get('main')).toBe(42);
      expect((await state.newest(item('b'), 7))?.value).toEqual(bytes('b'));
      expect(await state.create(item('b'), 7, bytes('x'))).toBe(false);
      await close();
      expect(await (await party(root, { sealKey, notes: [noted] })).state.version(item('a'), 7)).toBe(7);
    }
  });

  it('is not begun twice, and not at all where the items break off', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root);
    async function* broken(): AsyncIterable<FirstItem> {
      yield* items('a');
      throw new Error('broken off');
    }
    await expect(state.begin('main', broken())).rejects.toThrow('broken off');
    expect(await nodeFileOps.facts(dirname(fileOf(root)))).toBeUndefined();
    expect(await state.begin('main', items('a'))).toBe(true);
    expect(await state.begin('main', items('b'))).toBe(false);
    expect(await state.version(item('b'), 0)).toBe(0);
  });
});

it('a backup that SQLite makes while the mirror runs is a database like the one it was made of', async () => {
  const { root, state } = await filled();
  const elsewhere = await scratchDirectory();
  await mkdir(dirname(fileOf(elsewhere)), { recursive: true });
  const other = new (sqlite().DatabaseSync)(fileOf(root), { readOnly: true });
  await sqlite().backup(other, fileOf(elsewhere));
  other.close();
  await cp(join(dirname(fileOf(root)), 'format'), join(dirname(fileOf(elsewhere)), 'format'));
  expect(await state.create(item('a'), 3, bytes('a 3'))).toBe(true);
  const restored = await party(elsewhere);
  expect(await restored.state.open('main')).toMatchObject({ versions: 6, damaged: [] });
  expect(await restored.state.create(item('a'), 3, bytes('another'))).toBe(true);
});
