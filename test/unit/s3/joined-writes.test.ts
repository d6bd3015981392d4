import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { JoinedWrites } from '../../../src/s3/joined-writes.ts';
import { JOINED_BYTES } from '../../../src/s3/limits.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Takes the bytes a moment after it was asked to. */
function slow(size: number) {
  const written = Buffer.alloc(size);
  const calls: number[] = [];
  let running = 0;
  return {
    written,
    calls,
    async write(bytes: Uint8Array, position: number) {
      expect(++running).toBe(1);
      calls.push(bytes.byteLength);
      await turn();
      written.set(bytes, position);
      running--;
    },
  };
}

it.each([0, 1, JOINED_BYTES - 1, JOINED_BYTES, JOINED_BYTES * 3 + 7])(
  '%d bytes in pieces are all written, in order, in few writes, one at a time',
  async (size) => {
    const bytes = randomBytes(size);
    const writer = slow(size);
    const writes = new JoinedWrites(writer, size);
    const piece = Buffer.alloc(65_000);
    for (let at = 0; at < size; at += piece.byteLength) {
      // The caller's buffer is its own again: the next piece lies in the same one.
      const end = bytes.copy(piece, 0, at, at + piece.byteLength);
      await writes.add(piece.subarray(0, end));
    }
    expect(writes.length).toBe(size);
    await writes.end();
    expect(writer.written.equals(bytes)).toBe(true);
    expect(writer.calls).toHaveLength(Math.ceil(size / JOINED_BYTES));
  },
);

it('a write that fails is told by the next, and nothing is written any more then', async () => {
  let calls = 0;
  const write = async () => {
    calls++;
    await turn();
    throw new Error('no room');
  };
  const writes = new JoinedWrites({ write }, JOINED_BYTES * 4);
  await writes.add(Buffer.alloc(JOINED_BYTES));
  await expect(writes.add(Buffer.alloc(JOINED_BYTES))).rejects.toThrow('no room');
  await expect(writes.end()).rejects.toThrow('no room');
  await writes.settled();
  expect(calls).toBe(1);
});
