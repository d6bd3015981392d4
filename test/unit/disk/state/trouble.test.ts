import { execFileSync } from 'node:child_process';
import { mkdir, open, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keepReserve, withReserve } from '../../../../src/disk/database/reserve.ts';
import { DamagedDatabase } from '../../../../src/disk/database/sqlite.ts';
import { databaseRefusal } from '../../../../src/disk/database/trouble.ts';
import { createDurable } from '../../../../src/disk/durable.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';
import { openVolume } from '../../../../src/disk/volume.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { fileOf, party, recordsOf, scratchDirectory } from './rig.ts';

const DEMO: ItemPath = ['main', 'pins', 'demo'];
const bytes = (text: string) => new TextEncoder().encode(text);
const damaged = { reason: 'state', transient: false };
const full = { reason: 'limit', transient: true };

/** A disk of its own size; undefined where this user may not have one. */
async function smallDisk(bytesOfIt: number): Promise<string | undefined> {
  const at = join(await scratchDirectory(), 'disk');
  await mkdir(at);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytesOfIt},mode=0700`, 'tmpfs', at], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', at]));
  return at;
}

/** Takes all the room there is. */
async function fillUp(disk: string): Promise<string> {
  const path = join(disk, 'filler');
  const file = await open(path, 'w');
  try {
    for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2))
      for (;;)
        try {
          await file.writeFile(Buffer.alloc(size));
        } catch {
          break;
        }
  } finally {
    await file.close();
  }
  return path;
}

const MOUNTS = (await mountWorks()) ? describe : describe.skip;

async function mountWorks(): Promise<boolean> {
  if (process.getuid?.() === 0) {
    try {
      execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
      return true;
    } catch {
      // Told below.
    }
  }
  process.stderr.write('NOT TRIED: a disk that is full or read-only, because this user may not mount one.\n');
  return false;
}

describe('a database that may not grow any more', () => {
  it('refuses what does not fit, keeps what it has, and takes more once there is room', async () => {
    const root = await scratchDirectory();
    const small = await party(root, { maxBytes: 1024 * 1024 });
    let kept = 0;
    for (;;) {
      const created = await small.state.create(DEMO, kept + 1, new Uint8Array(8000)).catch((error: unknown) => error);
      if (created !== true) {
        expect(created).toMatchObject({ ...full, message: expect.stringMatching(/no room .*13/) });
        break;
      }
      kept++;
    }
    expect(kept).toBeGreaterThan(5);
    expect(await small.state.version(DEMO, kept)).toBe(kept);
    await small.state.removeBelow(DEMO, kept - 1);
    expect(await small.state.create(DEMO, kept + 1, new Uint8Array(8000))).toBe(true);
    await small.close();
    expect((await (await party(root)).state.open('main')).damaged).toEqual([]);
  });
});

MOUNTS('a disk', () => {
  it('that is full refuses for a moment, and goes on without being opened again', async () => {
    const disk = await smallDisk(4 * 1024 * 1024);
    if (disk === undefined) throw new Error('no disk');
    const { state } = await party(disk);
    await state.create(DEMO, 1, bytes('1'));
    const filler = await fillUp(disk);
    let refused = false;
    let kept = 1;
    for (let at = 0; at < 2000 && !refused; at++)
      await state.create(DEMO, kept + 1, new Uint8Array(4000)).then(
        () => kept++,
        (error: unknown) => {
          expect(error).toMatchObject(full);
          refused = true;
        },
      );
    expect(refused).toBe(true);
    expect(await state.version(DEMO, kept)).toBe(kept);
    await rm(filler);
    expect(await state.create(DEMO, kept + 1, bytes('room'))).toBe(true);
  });

  it('that is full at a start gives its reserve up, and says so where there is none', async () => {
    const disk = await smallDisk(8 * 1024 * 1024);
    if (disk === undefined) throw new Error('no disk');
    const durable = createDurable({ ops: nodeFileOps, root: disk, tempDirectory: join(disk, 'tmp', 'own') });
    const first = await party(disk);
    await first.state.create(DEMO, 1, bytes('1'));
    await first.close();
    await keepReserve(durable, disk);
    expect((await stat(join(disk, 'reserve'))).size).toBe(1024 * 1024);
    await fillUp(disk);
    const looking = await party(disk, { readOnly: true });
    expect((await looking.state.open('main')).versions).toBe(1);
    await looking.close();
    const again = await party(disk);
    // Who may write needs room even to read: for what connections share.
    await expect(again.state.open('main')).rejects.toMatchObject({ ...full, message: expect.stringMatching(/32 KiB/) });
    expect((await withReserve(durable, disk, () => again.state.open('main'))).versions).toBe(1);
    await expect(stat(join(disk, 'reserve'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await again.state.version(DEMO, 1)).toBe(1);
    await again.close();
    await rm(`${fileOf(disk)}-shm`, { force: true });
    await fillUp(disk);
    const last = await party(disk);
    await expect(withReserve(durable, disk, () => last.state.open('main'))).rejects.toMatchObject(full);
    await keepReserve(durable, disk);
  });

  it('that is read-only is read where all of it lies in the database, and not where some lies in a log', async () => {
    const disk = await smallDisk(8 * 1024 * 1024);
    if (disk === undefined) throw new Error('no disk');
    const first = await party(disk);
    await first.state.create(DEMO, 1, bytes('1'));
    await first.state.create(['main', 'large'], 1, new Uint8Array(200_000));
    await first.close();
    const records = recordsOf(disk);
    await records.append('journal', ['{"at":1}'], 1000);
    await records.close();
    const readOnly = (on: boolean) => execFileSync('mount', ['-o', on ? 'remount,ro' : 'remount,rw', disk]);
    readOnly(true);
    const reader = await party(disk, { readOnly: true });
    expect((await reader.state.open('main')).versions).toBe(2);
    expect((await reader.state.newest(DEMO, 1))?.value).toEqual(bytes('1'));
    expect((await reader.state.newest(['main', 'large'], 1))?.value.byteLength).toBe(200_000);
    await reader.close();
    const read = recordsOf(disk, true);
    expect(await read.count('journal')).toBe(1);
    await read.close();
    readOnly(false);
    await writeFile(`${fileOf(disk)}-wal`, '');
    readOnly(true);
    const refused = await party(disk, { readOnly: true });
    await expect(refused.state.open('main')).rejects.toMatchObject({
      ...damaged,
      message: expect.stringMatching(/read-only file system beside changes/),
    });
    readOnly(false);
  });
});

describe('what SQLite says', () => {
  const name = { path: '/data/state.db', holds: 'what it holds' };
  const of = (errcode: number) => databaseRefusal(Object.assign(new Error('sqlite'), { errcode }), name);

  it.each([
    [13, full, /no room for \/data\/state\.db \(SQLite error 13\)/],
    [4874, full, /32 KiB beside \/data\/state\.db/],
    [7, full, /no room/],
    [522, damaged, /was cut off/],
    [11, damaged, /is damaged/],
    [267, damaged, /is damaged/],
    [26, damaged, /is damaged/],
    [266, damaged, /is damaged/],
    [5, { reason: 'state', transient: true }, /in use by another process/],
    [261, { reason: 'state', transient: true }, /in use by another process/],
    [778, { reason: 'state', transient: true }, /could not be used .*778/],
    [14, { reason: 'state', transient: true }, /could not be used .*14/],
  ])('%i', (code, expected, words) => {
    expect(of(code)).toMatchObject({ ...expected, subject: 'state', message: expect.stringMatching(words) });
  });

  it('and what it cannot have said, is damage; what is not about databases stays as it is', () => {
    expect(databaseRefusal(new DamagedDatabase('x'), name)).toMatchObject(damaged);
    const other = new TypeError('x');
    expect(databaseRefusal(other, name)).toBe(other);
  });

  it('of a file that was cut off comes out in these words', async () => {
    const root = await scratchDirectory();
    const { state, close } = await party(root);
    for (let at = 0; at < 100; at++) await state.create(['main', 'x', String(at)], 1, new Uint8Array(3000));
    await close();
    await truncate(fileOf(root), 4096 * 20);
    await expect((await party(root, { scan: false })).state.newest(['main', 'x', '99'], 0)).rejects.toMatchObject(
      damaged,
    );
    await expect((await party(root)).state.open('main')).rejects.toMatchObject(damaged);
    await rename(fileOf(root), `${fileOf(root)}.away`);
  });
});

describe('a file system', () => {
  const on = (type: number) => ({ ...nodeFileOps, fileSystem: async () => type });

  it.each([
    [0x6969, /network file system \(NFS\)/],
    [0xff534d42, /network file system \(CIFS\)/],
    // A number of 32 bits that came with a sign.
    [0xff534d42 | 0, /network file system \(CIFS\)/],
    [0xfe534d42, /SMB2/],
    [0x517b, /SMB/],
    [0x01021997, /9p/],
    [0x00c36400, /Ceph/],
    [0x0bd00bd0, /Lustre/],
    [0x47504653, /GPFS/],
    [0x5346414f, /AFS/],
    [0x6b414653, /AFS/],
    [0x7461636f, /OCFS2/],
    [0x01161970, /GFS2/],
  ])('%i of several machines is refused in words, whatever an operator says', async (type, words) => {
    const data = join(await scratchDirectory(), 'data');
    for (const allowFuse of [false, true])
      await expect(openVolume(data, { ops: on(type), allowFuse })).rejects.toMatchObject({
        ...damaged,
        message: expect.stringMatching(words),
      });
  });

  it('that is FUSE takes an operator’s word', async () => {
    const data = join(await scratchDirectory(), 'data');
    await expect(openVolume(data, { ops: on(0x65735546) })).rejects.toMatchObject({
      ...damaged,
      message: expect.stringMatching(/allow_fuse: true/),
    });
    await (await openVolume(data, { ops: on(0x65735546), allowFuse: true })).close();
  });

  it('of one machine is taken', async () => {
    const data = join(await scratchDirectory(), 'data');
    for (const type of [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1])
      await (await openVolume(data, { ops: on(type) })).close();
    await (await openVolume(data)).close();
  });
});
