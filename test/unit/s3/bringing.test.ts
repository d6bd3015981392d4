import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { type BlobWriter, StorageError, type StoredBytes } from '../../../src/ports/blob-storage.ts';
import { ObjectStoreError } from '../../../src/ports/object-store.ts';
import type { Beside } from '../../../src/s3/blob-objects.ts';
import { Bringing } from '../../../src/s3/bringing.ts';
import { ARRIVING_BYTES } from '../../../src/s3/limits.ts';
import { Reach } from '../../../src/s3/reach.ts';
import { Tier } from '../../../src/s3/tier.ts';
import { createMemoryBlobs } from '../../support/memory-blobs.ts';

const WHOLE = { start: 0, end: Number.MAX_SAFE_INTEGER };
const away = new ObjectStoreError('away', 'It broke off.');

/** A bucket whose one object comes piece by piece, as the test says, and a disk. */
function start(bytes: Buffer) {
  const disk = createMemoryBlobs().party();
  const tier = new Tier({
    disk,
    maxBytes: 1e9,
    isOwner: true,
    leads: true,
    spare: () => true,
    isThere: async () => true,
    onTrouble: (error) => expect.fail(String(error)),
  });
  const told: (ObjectStoreError | undefined)[] = [];
  const reach = new Reach({ onChange: (change) => told.push(change) });
  const asked: { come(upTo: number): Promise<void>; end(found?: boolean): void; fail(error: unknown): void }[] = [];
  const objects = {
    bring(_: string, writer: BlobWriter, beside: Beside) {
      let at = 0;
      const { promise, resolve, reject } = Promise.withResolvers<boolean>();
      asked.push({
        async come(upTo) {
          if (at === 0) beside.begin(bytes.byteLength);
          const piece = bytes.subarray(at, upTo);
          beside.add(piece);
          await writer.write(piece, at);
          at = upTo;
        },
        end: (found = true) => resolve(found),
        fail: reject,
      });
      return promise;
    },
  };
  const sha256 = sha256Hex(bytes);
  const bringing = new Bringing({ objects, disk, tier, reach });
  const open = () => bringing.open(sha256, WHOLE);
  const first = async () => {
    await expect.poll(() => asked.length, { interval: 1 }).toBeGreaterThan(0);
    return asked[0] ?? expect.fail();
  };
  return { disk, sha256, open, asked, first, told, isUnderWay: () => bringing.has(sha256) };
}

async function read(blob: StoredBytes | undefined, length: number, position: number): Promise<Buffer> {
  const into = Buffer.alloc(length);
  return into.subarray(0, await blob?.read(into, position));
}

it('what has come is read before the rest has, and its end when it lies on the disk', async () => {
  const bytes = randomBytes(1000);
  const { disk, sha256, open, first } = start(bytes);
  const opening = open();
  const object = await first();
  await object.come(300);
  const blob = (await opening) ?? expect.fail();
  expect(blob.size).toBe(1000);
  expect(await read(blob, 200, 0)).toEqual(bytes.subarray(0, 200));
  const second = read(blob, 200, 200);
  await object.come(700);
  expect(await second).toEqual(bytes.subarray(200, 400));
  expect(await disk.stat(sha256)).toBeUndefined();
  await object.come(1000);
  const rest = read(blob, 10_000, 400);
  object.end();
  expect(await rest).toEqual(bytes.subarray(400));
  expect(await disk.stat(sha256)).toEqual({ size: 1000, version: blob.version });
  expect(await read(blob, 10, 1000)).toEqual(Buffer.alloc(0));
  await blob.close();
});

it.each(['falls behind', 'begins elsewhere'])('who %s reads it from the disk', async (how) => {
  const bytes = randomBytes(ARRIVING_BYTES + 1000);
  const { open, first } = start(bytes);
  const opening = open();
  const object = await first();
  await object.come(100);
  const blob = await opening;
  const position = how === 'falls behind' ? 0 : 500;
  const reading = how === 'falls behind' ? undefined : read(blob, 100, position);
  await object.come(bytes.byteLength);
  object.end();
  expect((await (reading ?? read(blob, 100, position))).equals(bytes.subarray(position, position + 100))).toBe(true);
  expect((await read(blob, bytes.byteLength, 0)).equals(bytes)).toBe(true);
  await blob?.close();
});

it('of two at once one request is made, and both have all of it', async () => {
  const bytes = randomBytes(100);
  const { open, first, asked, isUnderWay } = start(bytes);
  const [one, other] = [open(), open()];
  const object = await first();
  await object.come(100);
  object.end();
  for (const blob of [await one, await other]) expect(await read(blob, 1000, 0)).toEqual(bytes);
  expect(asked).toHaveLength(1);
  await expect.poll(isUnderWay).toBe(false);
});

it('it comes to its end though its reader leaves', async () => {
  const bytes = randomBytes(100);
  const { disk, sha256, open, first } = start(bytes);
  const opening = open();
  const object = await first();
  await object.come(10);
  await (await opening)?.close();
  await object.come(100);
  object.end();
  await expect.poll(() => disk.stat(sha256)).toMatchObject({ size: 100 });
});

it('what is not there is not there for anybody', async () => {
  const { open, first, told } = start(randomBytes(100));
  const [one, other] = [open(), open()];
  (await first()).end(false);
  expect(await Promise.all([one, other])).toEqual([undefined, undefined]);
  expect(told).toEqual([]);
});

it.each([
  ['that breaks off is gone', away, { kind: 'gone' }],
  ['that cannot be read is damaged', new ObjectStoreError('wrong', 'It was archived.'), { kind: 'damaged' }],
  ['for which there is no room is told to have none', new StorageError('full', 'No room.'), { kind: 'full' }],
])('one %s, for its reader; others look anew', async (_, error, told) => {
  const bytes = randomBytes(100);
  const { disk, sha256, open, first, asked } = start(bytes);
  const [opening, other] = [open(), open()];
  const object = await first();
  await object.come(60);
  const blob = await opening;
  expect(await read(blob, 50, 0)).toEqual(bytes.subarray(0, 50));
  const rest = expect(read(blob, 50, 50)).rejects.toMatchObject({ name: 'StorageError', ...told });
  object.fail(error);
  await rest;
  expect(await other).toBeUndefined();
  expect(await disk.stat(sha256)).toBeUndefined();
  const again = open();
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.fail(error);
  await expect(again).rejects.toBe(error);
});

it('a bucket that is lost in the middle of a file is told', async () => {
  const { open, first, told } = start(randomBytes(100));
  const opening = open();
  const object = await first();
  await object.come(60);
  await opening;
  object.fail(away);
  await expect.poll(() => told).toEqual([away]);
});

it('one that was removed before it was read is gone', async () => {
  const bytes = randomBytes(100);
  const { disk, sha256, open, first } = start(bytes);
  const opening = open();
  const object = await first();
  await object.come(100);
  object.end();
  const blob = (await opening) ?? expect.fail();
  await expect.poll(() => disk.stat(sha256)).toBeDefined();
  await disk.remove(sha256);
  await expect(blob.read(Buffer.alloc(10), 50)).rejects.toMatchObject({ name: 'StorageError', kind: 'gone' });
});
