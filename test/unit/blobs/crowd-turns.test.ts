import { expect, it } from 'vitest';
import { PIECES_A_TURN } from '../../../src/blobs/limits.ts';
import { client } from '../../support/callers.ts';
import { content, MIB, openStore, upstream, wanted, whole } from '../../support/volume-harness.ts';

const READERS = 200;

it.each([
  ['out of memory', MIB / 2],
  ['from the disk', MIB + 1],
])('a crowd whose sockets take all at once is sent a file %s turn by turn', async (_, size) => {
  const bytes = content(size);
  const store = await openStore();
  const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
  let pieces = 0;
  let isDone = false;
  const bodies = Promise.all(
    Array.from({ length: READERS }, async () => {
      let length = 0;
      const take = async (chunk: Uint8Array) => {
        pieces++;
        length += chunk.byteLength;
      };
      await blob.send({ start: 0, end: blob.size }, take, client());
      return length;
    }),
  ).finally(() => {
    isDone = true;
  });
  let most = 0;
  for (let before = 0; !isDone; before = pieces) {
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, pieces - before);
  }
  expect(new Set(await bodies)).toEqual(new Set([size]));
  expect(pieces).toBeGreaterThanOrEqual(READERS);
  // Where this looks in the middle of a turn it sees a part of two.
  expect(most).toBeLessThanOrEqual(2 * PIECES_A_TURN);
});
