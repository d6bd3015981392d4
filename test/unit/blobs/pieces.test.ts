import { describe, expect, it } from 'vitest';
import { LARGE_PIECES, PIECE, SMALL_PIECE, UNCOPIED } from '../../../src/blobs/limits.ts';
import { Pieces } from '../../../src/blobs/pieces.ts';
import { client } from '../../support/callers.ts';
import { content, openStore, sent, upstream, wanted, whole } from '../../support/volume-harness.ts';

/** As many readers as there are without a piece of their own. */
function few(): Pieces {
  const pieces = new Pieces();
  for (let at = 0; at < UNCOPIED; at++) pieces.take(1e9);
  return pieces;
}

describe('the memory that answers wait in', () => {
  it('is none of its own where few are being sent files', () => {
    const pieces = new Pieces();
    for (let at = 0; at < UNCOPIED; at++) expect(pieces.take(1e9)).toBeUndefined();
    expect(pieces.take(1e9)?.byteLength).toBe(PIECE);
  });

  it('is no more than an answer has bytes', () => {
    expect(few().take(10)?.byteLength).toBe(10);
  });

  it('is less for each where many are being sent files', () => {
    const pieces = few();
    for (let at = UNCOPIED; at < LARGE_PIECES; at++) expect(pieces.take(1e9)?.byteLength).toBe(PIECE);
    expect(pieces.take(1e9)?.byteLength).toBe(SMALL_PIECE);
    for (let at = 0; at < 2; at++) pieces.done();
    expect(pieces.take(1e9)?.byteLength).toBe(PIECE);
  });

  it('is used again only where nothing sends from it any more', () => {
    const pieces = few();
    const [first, second] = [pieces.take(1e9), pieces.take(1e9)];
    if (first !== undefined) pieces.giveBack(first);
    expect(pieces.take(1e9)).toBe(first);
    expect([first, second]).not.toContain(pieces.take(1e9));
  });
});

it('a small file that memory forgets while it is sent is read on from the disk', async () => {
  const [bytes, other] = [content(200_001), content(200_002)];
  const store = await openStore({ freshBytes: 250_000 });
  const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
  const body: Buffer[] = [];
  const write = async (chunk: Uint8Array) => {
    body.push(Buffer.from(chunk));
    // The next one takes its place in memory.
    if (body.length === 1) await store.blobs.fetch(wanted(other), upstream(whole(other)).download, client());
  };
  await blob.send({ start: 1, end: blob.size }, write, client());
  expect(Buffer.concat(body).equals(bytes.subarray(1))).toBe(true);
  expect(body[0]?.byteLength).toBe(SMALL_PIECE);
  expect((await sent(blob)).equals(bytes)).toBe(true);
});
