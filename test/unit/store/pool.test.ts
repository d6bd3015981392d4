import { describe, expect, test } from 'vitest';
import { createPool } from '../../../src/store/pool.ts';
import { content, MIB, openStore, refusalOf, sent, upstream, wanted, whole } from './harness.ts';

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
