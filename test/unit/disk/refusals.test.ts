import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { createAliases } from '../../../src/disk/aliases.ts';
import { blobPaths } from '../../../src/disk/blob-paths.ts';
import { createBlobStorage } from '../../../src/disk/blob-storage.ts';
import { openClientDirectory } from '../../../src/disk/client-directory.ts';
import { buildDatabase } from '../../../src/disk/database/build.ts';
import { DatabaseThread } from '../../../src/disk/database/database-thread.ts';
import { EpochFile } from '../../../src/disk/database/epoch-file.ts';
import { checkPlace, knownInodeOf, placeOf } from '../../../src/disk/database/place.ts';
import { keepReserve, withReserve } from '../../../src/disk/database/reserve.ts';
import { RECORDS_SCHEMA, STATE_SCHEMA } from '../../../src/disk/database/schema.ts';
import { bytesOf, DamagedDatabase, integerOf, sqlite, textOf } from '../../../src/disk/database/sqlite.ts';
import { WriteConnection } from '../../../src/disk/database/write-connection.ts';
import { createDurable } from '../../../src/disk/durable.ts';
import { type FileOps, nodeFileOps } from '../../../src/disk/file-ops.ts';
import { Folders } from '../../../src/disk/folders.ts';
import { readSmall } from '../../../src/disk/read-file.ts';
import { placeSocket } from '../../../src/disk/sockets.ts';
import { copiedChange } from '../../../src/disk/state/creation.ts';
import { StateSeal, sealKeysOf } from '../../../src/disk/state/state-seal.ts';
import { onBlobDisk } from '../../../src/disk/storage-errors.ts';
import { openVolume, volumeToRead } from '../../../src/disk/volume.ts';
import { systemError } from '../../support/faults.ts';
import { refusalOf, scratch } from '../../support/volume-harness.ts';

const HEX = 'a'.repeat(64);
const WORDS = { holds: 'what is tried', otherwise: 'try again' };

/** File operations of which one fails, or answers otherwise. */
const opsWith = (over: Partial<FileOps>): FileOps => ({ ...nodeFileOps, ...over });
const failing = (code: string) => () => Promise.reject(systemError(code));
const durableIn = (root: string, ops: FileOps = nodeFileOps) => createDurable({ ops, root, tempDirectory: root });

describe('what cannot be removed, for another reason than that it is not there', () => {
  it('is told of an alias and of a blob', async () => {
    const root = await scratch();
    const paths = blobPaths(root);
    await createAliases(durableIn(root), paths).remove('sha512', HEX.repeat(2));
    const aliases = createAliases(durableIn(root, opsWith({ unlink: failing('EIO') })), paths);
    await expect(aliases.remove('sha512', HEX.repeat(2))).rejects.toThrow('EIO');

    const data = join(root, 'data');
    const ops = opsWith({
      unlink: (path) => (path.endsWith(HEX.slice(2)) ? failing('EIO')() : nodeFileOps.unlink(path)),
    });
    const volume = await openVolume(data, { ops });
    const storage = createBlobStorage(volume);
    await expect(storage.remove(HEX)).rejects.toMatchObject({ name: 'StorageError', cause: { code: 'EIO' } });
    await storage.close();
  });

  it('is told of a document of a client, whose directory is one', async () => {
    const root = await scratch();
    const directory = await openClientDirectory(join(root, 'client'));
    await directory.remove('none');
    await mkdir(directory.pathOf('taken'));
    await expect(directory.remove('taken')).rejects.toMatchObject({ code: expect.any(String) });
    await openClientDirectory(join(root, 'client'));
    await writeFile(join(root, 'file'), '');
    await expect(openClientDirectory(join(root, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('is told of a socket', async () => {
    const volume = await openVolume(join(await scratch(), 'data'));
    const placed = await placeSocket({ ...volume, ops: opsWith({ unlink: failing('EIO') }) });
    placed.release();
    await expect(placed.remove()).rejects.toThrow('EIO');
  });
});

it('a socket is not placed where a link leads elsewhere', async () => {
  const root = await scratch();
  const volume = await openVolume(join(root, 'data'));
  const placed = await placeSocket(volume);
  placed.release();
  await placed.remove();
  const linked = opsWith({
    async facts(path) {
      const facts = await nodeFileOps.facts(path);
      return facts && path.startsWith(join(volume.root, 'control')) ? { ...facts, kind: 'symlink' } : facts;
    },
  });
  expect(await refusalOf(placeSocket({ ...volume, ops: linked }))).toMatchObject({ reason: 'state' });
  const anothers = opsWith({
    async facts(path) {
      const facts = await nodeFileOps.facts(path);
      return facts && { ...facts, uid: facts.uid + 1 };
    },
  });
  expect(await refusalOf(placeSocket({ ...volume, ops: anothers }))).toMatchObject({ reason: 'state' });
});

it('nothing is made beside the root', async () => {
  const root = await scratch();
  await expect(new Folders(nodeFileOps, root).make('/')).rejects.toThrow('is not below the data directory');
});

it('an error that node has with a call is a fault of this program, and none of the disk', async () => {
  const fault = systemError('ERR_INVALID_ARG_TYPE');
  await expect(onBlobDisk(() => Promise.reject(fault))).rejects.toBe(fault);
  await expect(onBlobDisk(failing('ENOSPC'))).rejects.toMatchObject({ kind: 'full' });
});

it('a value that no statement of ours can have written is damage', () => {
  expect([integerOf(7), integerOf(7n), textOf('a'), bytesOf(Buffer.of(1))]).toEqual([7, 7, 'a', Buffer.of(1)]);
  for (const value of [undefined, null, 'a', 0.5, 2 ** 60, 1n << 60n])
    expect(() => integerOf(value)).toThrow(DamagedDatabase);
  for (const value of [undefined, null, 7, Buffer.of(1)]) expect(() => textOf(value)).toThrow(DamagedDatabase);
  for (const value of [undefined, null, 7, 'a']) expect(() => bytesOf(value)).toThrow(DamagedDatabase);
});

describe('the room that is kept for a start', () => {
  it.each([
    ['lasts', new Refusal('limit', 'Too many files are open.')],
    ['is not there', new Refusal('state', 'It is damaged.', { transient: true })],
  ])('is not given up for what more room does not mend: what %s', async (_, refusal) => {
    const root = await scratch();
    const durable = durableIn(root);
    await keepReserve(durable, root);
    let opened = 0;
    const open = async () => {
      opened++;
      throw refusal;
    };
    await expect(withReserve(durable, root, open)).rejects.toBe(refusal);
    expect(opened).toBe(1);
    const full = new Refusal('limit', 'The disk is full.', { transient: true });
    await expect(withReserve(durable, root, () => Promise.reject(full))).rejects.toBe(full);
    // It was there until now: nothing is left to give up.
    opened = 0;
    const again = async () => {
      opened++;
      throw full;
    };
    await expect(withReserve(durable, root, again)).rejects.toBe(full);
    expect(opened).toBe(1);
  });
});

describe('a database', () => {
  const placeIn = (root: string, schema = RECORDS_SCHEMA) => placeOf(join(root, 'db'), 'tried', schema, WORDS);

  async function built(schema = RECORDS_SCHEMA) {
    const root = await scratch();
    const place = placeIn(root, schema);
    const made = await buildDatabase(durableIn(root), place, () => undefined);
    expect(await made.moveTo(place.folder)).toBe(true);
    return { root, place };
  }

  it('whose log was not emptied is not moved into its place', async () => {
    const root = await scratch();
    const ops = opsWith({ facts: (path) => nodeFileOps.facts(path.endsWith('-wal') ? root : path) });
    await expect(buildDatabase(durableIn(root, ops), placeIn(root), () => undefined)).rejects.toMatchObject({
      reason: 'state',
      message: expect.stringContaining('its log was not emptied'),
    });
  });

  it.each([
    ['EEXIST', false],
    ['ENOTEMPTY', false],
    ['EACCES', undefined],
  ])('whose place is taken, as %s says, leaves it to whoever was first', async (code, moved) => {
    const root = await scratch();
    const durable = durableIn(root, opsWith({ rename: failing(code) }));
    const made = await buildDatabase({ ...durable, ops: nodeFileOps }, placeIn(root), () => undefined);
    if (moved === undefined) await expect(made.moveTo(join(root, 'db'))).rejects.toThrow(code);
    else expect(await made.moveTo(join(root, 'db'))).toBe(moved);
  });

  it('is not opened in the directory of another user', async () => {
    const { place } = await built();
    expect(await checkPlace(nodeFileOps, place)).toBe(true);
    const ops = opsWith({
      async facts(path) {
        const facts = await nodeFileOps.facts(path);
        return facts && path === place.folder ? { ...facts, uid: facts.uid + 1 } : facts;
      },
    });
    expect(await refusalOf(checkPlace(ops, place))).toMatchObject({ reason: 'state' });
  });

  it('is not written to where it is made otherwise than this program makes it', async () => {
    const { place } = await built();
    const target = { place, inode: (await stat(place.path)).ino, maxBytes: 1e9, waitMs: 0 };
    new WriteConnection(target, 'NORMAL').close();
    const other = { ...target, place: { ...place, schema: STATE_SCHEMA } };
    expect(() => new WriteConnection(other, 'NORMAL')).toThrow(DamagedDatabase);
  });
});

it.each(['inside', 'insideSoon'] as const)('what fails in a directory that is there is tried once: %s', async (how) => {
  const root = await scratch();
  let tried = 0;
  const task = async () => {
    tried++;
    throw systemError('EIO');
  };
  await expect(new Folders(nodeFileOps, root)[how](join(root, 'file'), task)).rejects.toThrow('EIO');
  expect(tried).toBe(1);
});

it('a directory that cannot be made is not made by way of its parents', async () => {
  const root = await scratch();
  const asked: string[] = [];
  const ops = opsWith({
    async makeDirectory(path) {
      asked.push(path.slice(root.length));
      throw systemError('EACCES');
    },
  });
  const path = join(root, 'a', 'b', 'file');
  await expect(new Folders(ops, root).insideSoon(path, () => writeFile(path, ''))).rejects.toThrow('EACCES');
  expect(asked).toEqual(['/a/b']);
});

it('a small file is a file, and small', async () => {
  const root = await scratch();
  const path = join(root, 'file');
  await writeFile(path, 'four');
  expect((await readSmall(nodeFileOps, path, 4))?.toString()).toBe('four');
  await expect(readSmall(nodeFileOps, path, 3)).rejects.toThrow('is larger than 3 bytes');
  await expect(readSmall(nodeFileOps, root, 1e6)).rejects.toThrow('is not a regular file');
});

it('a database that is gone since it was looked at is missing', async () => {
  const root = await scratch();
  const place = placeOf(root, 'tried', RECORDS_SCHEMA, WORDS);
  expect(() => knownInodeOf(place)).toThrow(expect.objectContaining({ reason: 'state', transient: false }));
  await writeFile(place.path, '');
  expect(knownInodeOf(place)).toBe((await stat(place.path)).ino);
});

it('documents are synced by who has them open alone', async () => {
  const thread = new DatabaseThread();
  await expect(thread.call('syncDocuments', { database: -1, sha256s: [] })).rejects.toMatchObject({
    reason: 'state',
    message: expect.stringContaining('is not open yet'),
  });
  await thread.end();
});

describe('the lock of an epoch file', () => {
  const LONG_MS = 3_600_000;

  async function locked(patienceMs: number, ops = nodeFileOps) {
    const directory = await scratch();
    const epochs = new EpochFile(ops, join(directory, 'epochs'), patienceMs);
    return { epochs, lock: join(directory, '.epochs.lock') };
  }

  it('is waited for so long', async () => {
    const { epochs, lock } = await locked(1);
    await epochs.raise('main', 1);
    const holder = new (sqlite().DatabaseSync)(lock);
    holder.exec('BEGIN IMMEDIATE');
    expect(await refusalOf(epochs.raise('main', 2))).toMatchObject({ reason: 'state', cause: { errcode: 5 } });
    holder.close();
    await epochs.raise('main', 2);
    expect(await epochs.of('main')).toBe(2);
  });

  it('is not waited for where it can never be had', async () => {
    const { epochs, lock } = await locked(LONG_MS);
    await epochs.raise('main', 1);
    await writeFile(lock, 'this is no database, however long it is read');
    expect(await refusalOf(epochs.raise('main', 2))).toMatchObject({ reason: 'state' });
  });

  it('may be made by another at the same time, and is told of where it cannot be made', async () => {
    const { epochs } = await locked(LONG_MS, opsWith({ openNew: failing('EACCES') }));
    expect(await refusalOf(epochs.raise('main', 1))).toMatchObject({ reason: 'state', cause: { code: 'EACCES' } });
  });
});

it('an epoch file whose lock is no database is not written', async () => {
  const directory = await scratch();
  const epochs = new EpochFile(nodeFileOps, join(directory, 'epochs'));
  await epochs.raise('main', 1);
  await writeFile(join(directory, '.epochs.lock'), 'this is no database, however long it is read');
  expect(await refusalOf(epochs.raise('main', 2))).toMatchObject({
    reason: 'state',
    cause: { code: 'ERR_SQLITE_ERROR' },
  });
  expect(await epochs.of('main')).toBe(1);
});

it('a change of one index touches no other', () => {
  expect(() => copiedChange('main', { kind: 'removeBelow', item: ['other', 'a'], version: 1 })).toThrow(TypeError);
  expect(() => copiedChange('main', { kind: 'setAside', below: ['other', 'a'], as: 'b' })).toThrow(TypeError);
  expect(copiedChange('main', { kind: 'setAside', below: ['main', 'a'], as: 'b' })).toMatchObject({ names: ['a'] });
});

it('a head of state that says nothing of how it is sealed, or counts beyond any number, is wrong', () => {
  const head = { epoch: 7, sum: 0n, contents: undefined };
  for (const seal of [new StateSeal('main', undefined), new StateSeal('main', sealKeysOf(Buffer.alloc(32)))]) {
    const content = seal.closeHead(head);
    expect(seal.openHead(content)).toMatchObject({ epoch: 7 });
    expect(seal.openHead(Buffer.concat([Buffer.of(9), content.subarray(1)]))).toBe('wrong');
    expect(seal.openHead(seal.closeHead({ ...head, epoch: 2 ** 60 }))).toBe('wrong');
  }
  const sealed = new StateSeal('main', sealKeysOf(Buffer.alloc(32))).closeHead(head);
  expect(new StateSeal('main', undefined).openHead(Buffer.concat([Buffer.of(9), sealed.subarray(1)]))).toBe('wrong');
});

describe('a data directory to look at', () => {
  it('is none where nothing was written, nor where an earlier program wrote it', async () => {
    const root = await scratch();
    expect(await refusalOf(volumeToRead(join(root, 'gone')))).toMatchObject({
      message: expect.stringContaining('There is no data directory'),
    });
    expect(await refusalOf(volumeToRead(root))).toMatchObject({
      message: expect.stringContaining('no data directory'),
    });
    await writeFile(join(root, 'VERSION'), '1\n');
    expect(await refusalOf(volumeToRead(root))).toMatchObject({ message: expect.stringContaining('earlier Verbatim') });
  });

  it('may be named by a link, and is refused where it cannot be made', async () => {
    const root = await scratch();
    await (await openVolume(join(root, 'data'))).close();
    await symlink(join(root, 'data'), join(root, 'link'));
    expect((await volumeToRead(join(root, 'link'))).root).toBe(join(root, 'data'));
    const ops = opsWith({ facts: async () => undefined });
    expect(await refusalOf(openVolume(join(root, 'gone'), { ops }))).toMatchObject({ reason: 'state' });
  });
});
