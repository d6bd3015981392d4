import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createPool } from '../../../src/blobs/chunk-buffers.ts';
import { sendChecked } from '../../../src/blobs/chunks.ts';
import { createSharedChunks } from '../../../src/blobs/shared-chunks.ts';
import { createTags } from '../../../src/blobs/tags.ts';
import { type FileOps, nodeFileOps } from '../../../src/disk/file-ops.ts';
import {
  content,
  expectedOf,
  MIB,
  openStore,
  refusalOf,
  reopen,
  scratch,
  sent,
  upstream,
  wanted,
  whole,
} from '../../support/volume-harness.ts';

describe('the pool', () => {
  test('never hands out more than it may; who waits gets the next one', async () => {
    const pool = createPool({ most: 1, queue: 1, idle: 1 });
    const first = await pool.take();
    expect(pool.takeSpare()).toBeUndefined();
    const second = pool.take();
    expect(await refusalOf(pool.take())).toMatchObject({ reason: 'limit', transient: true });
    pool.give(first);
    expect(await second).toBe(first);
    expect(pool.inUse()).toBe(1);
  });

  test('who waits too long for a buffer is told that the mirror is busy, and takes nothing with him', async () => {
    const pool = createPool({ most: 1, queue: 1, idle: 1, patience: 1 });
    const first = await pool.take();
    expect(await refusalOf(pool.take())).toMatchObject({ reason: 'limit', transient: true });
    pool.give(first);
    expect(pool.inUse()).toBe(0);
  });

  test('who leaves the queue takes nothing with him', async () => {
    const pool = createPool({ most: 1, queue: 1, idle: 1 });
    const first = await pool.take();
    const leaving = new AbortController();
    const second = pool.take(leaving.signal);
    leaving.abort(new Error('left'));
    await expect(second).rejects.toThrow('left');
    pool.give(first);
    expect(pool.inUse()).toBe(0);
  });
});

describe('many readers and few buffers', () => {
  test('everybody is served, with one buffer each or in turn', async () => {
    const bytes = content(3 * MIB + 1);
    for (const readBuffers of [1, 2, 3]) {
      const store = await openStore({ readBuffers });
      const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download);
      const bodies = await Promise.all(Array.from({ length: 8 }, () => sent(blob)));
      expect(bodies.every((body) => body.equals(bytes))).toBe(true);
    }
  });

  test('clients that hold every buffer hold up neither hashing nor what the mirror reads itself', async () => {
    const [bytes, document] = [content(3 * MIB), content(1000)];
    const first = await openStore();
    await first.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download);
    await first.blobs.fetch(wanted(document), upstream(whole(document)).download);
    const store = await reopen(first, { readBuffers: 1 });
    const blob = await store.blobs.open(expectedOf(bytes));
    const client = Promise.withResolvers<void>();
    const holding = Promise.withResolvers<void>();
    const send = blob?.send({ start: 0, end: blob.size }, () => {
      holding.resolve();
      return client.promise;
    });
    await holding.promise;
    const read = await store.blobs.open(expectedOf(document));
    expect(Buffer.from((await read?.bytes(MIB)) ?? []).equals(document)).toBe(true);
    client.resolve();
    await send;
  });

  test('a buffer that is still being read into is not given to another reader', async () => {
    const bytes = content(2 * MIB);
    const directory = await scratch();
    await writeFile(join(directory, 'f'), bytes);
    const reading = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const ops: FileOps = {
      ...nodeFileOps,
      openRead: async (path) => {
        const file = await nodeFileOps.openRead(path);
        return {
          ...file,
          read: async (into, length, position) => {
            if (position > 0) {
              reading.resolve();
              await released.promise;
            }
            return file.read(into, length, position);
          },
        };
      },
    };
    const tags = createTags();
    tags.add(0, bytes.subarray(0, MIB));
    tags.add(1, bytes.subarray(MIB));
    const pool = createPool({ most: 2, queue: 1, idle: 2 });
    let over = false;
    const send = sendChecked(
      { ops, pool, shared: createSharedChunks() },
      join(directory, 'f'),
      { size: 2 * MIB, tags },
      { start: 0, end: 2 * MIB },
      async () => {
        await reading.promise;
        throw new Error('the client left');
      },
    ).catch(() => {
      over = true;
    });
    await reading.promise;
    await new Promise((resolve) => setImmediate(resolve));
    expect([over, pool.inUse()]).toEqual([false, 2]);
    released.resolve();
    await send;
    expect([over, pool.inUse()]).toEqual([true, 0]);
  });

  test('a reader that stops between chunks gives its buffers back', async () => {
    const bytes = content(3 * MIB + 1);
    const store = await openStore({ readBuffers: 2 });
    const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download);
    const leaving = new AbortController();
    const send = blob.send({ start: 0, end: blob.size }, async () => leaving.abort(new Error('left')), leaving.signal);
    await expect(send).rejects.toThrow('left');
    expect((await sent(blob)).equals(bytes)).toBe(true);
  });
});
