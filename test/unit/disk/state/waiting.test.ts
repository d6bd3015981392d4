import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { DatabaseThread } from '../../../../src/disk/database/database-thread.ts';
import { sqlite } from '../../../../src/disk/database/sqlite.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { behindItsBack, fileOf, party, scratchDirectory } from './rig.ts';

const DEMO: ItemPath = ['main', 'pins', 'demo'];
const bytes = (text: string) => new TextEncoder().encode(text);

/** Another process's connection. */
function other(root: string) {
  return new (sqlite().DatabaseSync)(fileOf(root), { timeout: 5000 });
}

describe('writes', () => {
  it('that come together share a commit', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root);
    await state.open('main');
    const walBytes = () => {
      let pages = 0;
      behindItsBack(root, (database) => {
        pages = Number(database.prepare('PRAGMA wal_checkpoint').get()?.['log']);
      });
      return pages;
    };
    await Promise.all(Array.from({ length: 200 }, (_, at) => state.create(['main', 'x', String(at)], 1, bytes('x'))));
    // Alone each would write five pages of the log.
    expect(walBytes()).toBeLessThan(200);
  });

  it('that do not fit fail alone', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root, { maxBytes: 256 * 1024 });
    await state.create(DEMO, 1, bytes('1'));
    const outcomes = await Promise.allSettled([
      state.create(['main', 'small', '1'], 1, bytes('1')),
      state.create(['main', 'large'], 1, new Uint8Array(2 * 1024 * 1024)),
      state.create(['main', 'small', '2'], 1, bytes('2')),
    ]);
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: true },
      { status: 'rejected', reason: { reason: 'limit', transient: true } },
      { status: 'fulfilled', value: true },
    ]);
    expect(await state.version(['main', 'large'], 0)).toBe(0);
  });

  it('wait for another process, and are refused for a moment where that takes too long', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root, { waitMs: 50 });
    await state.create(DEMO, 1, bytes('1'));
    const writer = other(root);
    writer.exec('BEGIN IMMEDIATE');
    await expect(state.create(DEMO, 2, bytes('2'))).rejects.toMatchObject({ reason: 'state', transient: true });
    expect((await state.newest(DEMO, 1))?.version).toBe(1);
    writer.exec('COMMIT');
    writer.close();
    expect(await state.create(DEMO, 2, bytes('2'))).toBe(true);
  });

  it('of a thread that ended are read back: what was written was written', async () => {
    const root = await scratchDirectory();
    const { state, writing } = await party(root, { ownThreads: true });
    await state.create(DEMO, 1, bytes('1'));
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 50 }, (_, at) => state.create(['main', 'x', String(at)], 1, bytes(String(at)))),
      writing.end(),
    ]);
    for (const [at, outcome] of outcomes.slice(0, -1).entries()) {
      const found = await state.newest(['main', 'x', String(at)], 0);
      if (outcome.status === 'fulfilled') {
        expect(outcome.value).toBe(true);
        expect(found?.value).toEqual(bytes(String(at)));
      } else {
        expect(outcome.reason).toMatchObject({ reason: 'state', transient: true });
        expect(found).toBeUndefined();
      }
    }
    // The next write starts it again.
    expect(await state.create(DEMO, 2, bytes('2'))).toBe(true);
  });
});

describe('reads', () => {
  it('wait for a lock in turns: others go on meanwhile', async () => {
    const root = await scratchDirectory();
    const { state, close } = await party(root);
    await state.create(DEMO, 1, bytes('1'));
    await close();
    const again = await party(root, { waitMs: 30_000, scan: false });
    await again.state.open('main');
    // A process that recovers a log, or copies it back for the last time, holds all of it.
    const owner = other(root);
    await again.close();
    owner.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; UPDATE item SET id = id; COMMIT');
    const last = await party(root, { waitMs: 30_000, scan: false });
    let turns = 0;
    const ticking = setInterval(() => {
      turns++;
      if (turns === 5) owner.close();
    }, 10);
    expect((await last.state.newest(DEMO, 1))?.version).toBe(1);
    clearInterval(ticking);
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('that meet a lock for too long are refused for a moment', async () => {
    const root = await scratchDirectory();
    const { state, close } = await party(root);
    await state.create(DEMO, 1, bytes('1'));
    await close();
    const owner = other(root);
    owner.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; UPDATE item SET id = id; COMMIT');
    const { state: last } = await party(root, { waitMs: 50, scan: false });
    await expect(last.newest(DEMO, 0)).rejects.toMatchObject({ reason: 'state', transient: true });
    owner.close();
    expect(await last.version(DEMO, 1)).toBe(1);
  });

  it('keep nothing open between two steps of a list, so that the log can be emptied', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root);
    await Promise.all(
      Array.from({ length: 1100 }, (_, at) => state.create(['main', 'pins', String(at)], 1, bytes('x'))),
    );
    let seen = 0;
    for await (const _ of state.items(['main', 'pins'])) {
      if (++seen % 300 !== 0) continue;
      const writer = other(root);
      expect(writer.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).toMatchObject({ busy: 0, log: 0 });
      writer.close();
    }
    expect(seen).toBe(1100);
  });

  it('of what is small are done here, and of what is large in a thread', async () => {
    const root = await scratchDirectory();
    const { state, reading } = await party(root);
    await state.create(DEMO, 1, new Uint8Array(64 * 1024));
    await state.create(DEMO, 2, new Uint8Array(64 * 1024 + 1));
    const asked = vi.spyOn(reading, 'call');
    expect((await state.read(DEMO, 1))?.byteLength).toBe(64 * 1024);
    expect(asked).not.toHaveBeenCalled();
    expect((await state.newest(DEMO, 2))?.value.byteLength).toBe(64 * 1024 + 1);
    expect((await state.read(DEMO, 2))?.byteLength).toBe(64 * 1024 + 1);
    expect(asked.mock.calls.map(([kind]) => kind)).toEqual(['readLarge', 'readLarge']);
    asked.mockRestore();
    behindItsBack(root, (database) => database.exec('UPDATE item SET value = zeroblob(65540) WHERE version = 2'));
    await expect(state.newest(DEMO, 2)).rejects.toMatchObject({ reason: 'state', transient: false });
  });
});

it('a thread that is not asked for anything ends, and is started again when it is', async () => {
  const thread = new DatabaseThread({ idleMs: 1 });
  onTestFinished(() => thread.end());
  const session = thread.session();
  expect(thread.isRunning(session)).toBe(true);
  await thread.call('close', { database: -1 });
  await expect.poll(() => thread.isRunning(session)).toBe(false);
  await thread.call('close', { database: -1 });
  expect(thread.isRunning(session)).toBe(false);
});
