import { describe, expect, it } from 'vitest';
import { SharedChunks } from '../../../src/blobs/shared-chunks.ts';
import { Tags } from '../../../src/blobs/tags.ts';
import { type FileOps, nodeFileOps, type OpenFile } from '../../../src/disk/file-ops.ts';
import { client } from '../../support/callers.ts';
import { content, MIB, openStore, upstream, wanted, whole } from '../../support/volume-harness.ts';

const buffer = (name: string) => Buffer.from(name);
const asIs = (into: Buffer) => Promise.resolve(into);
const notRead = () => Promise.reject(new Error('it was read again'));

describe('a chunk that is being sent', () => {
  it('is read once for all who want it', async () => {
    const [shared, tags] = [new SharedChunks(), new Tags()];
    const first = shared.share(tags, 0, buffer('a'), asIs);
    const second = shared.share(tags, 0, buffer('b'), notRead);
    expect(await second.chunk).toBe(await first.chunk);
  });

  it.each([
    ['first', [0, 1, 2]],
    ['second', [1, 0, 2]],
    ['last', [2, 1, 0]],
  ])('keeps its buffer until the last has let go, though its reader leaves %s', async (_, order) => {
    const [shared, tags] = [new SharedChunks(), new Tags()];
    const own = ['a', 'b', 'c'].map(buffer);
    const held = own.map((mine) => shared.share(tags, 0, mine, asIs));
    const back = order.map((at) => held[at]?.release());
    // Everybody has one, nobody has another's, and the one that was sent from comes back last.
    expect(new Set(back)).toEqual(new Set(own));
    expect(back.at(-1)).toBe(own[0]);
  });

  it('is read again once nobody sends it', async () => {
    const [shared, tags] = [new SharedChunks(), new Tags()];
    shared.share(tags, 0, buffer('a'), asIs).release();
    expect(await shared.share(tags, 0, buffer('b'), asIs).chunk).toEqual(buffer('b'));
  });

  it('is not another one: of another place, or of the same blob fetched anew', async () => {
    const [shared, tags] = [new SharedChunks(), new Tags()];
    shared.share(tags, 0, buffer('a'), asIs);
    expect(await shared.share(tags, 1, buffer('b'), asIs).chunk).toEqual(buffer('b'));
    expect(await shared.share(new Tags(), 0, buffer('c'), asIs).chunk).toEqual(buffer('c'));
  });

  it('that could not be read fails all who wanted it, and is tried anew by who comes after', async () => {
    const [shared, tags] = [new SharedChunks(), new Tags()];
    const wrong = () => Promise.reject(new Error('changed'));
    const held = ['a', 'b'].map((name) => shared.share(tags, 0, buffer(name), wrong));
    for (const { chunk } of held) await expect(chunk).rejects.toThrow('changed');
    expect(await shared.share(tags, 0, buffer('c'), asIs).chunk).toEqual(buffer('c'));
    expect(held.map(({ release }) => release().toString())).toEqual(['b', 'a']);
  });
});

it('readers of one file at one pace read it from disk once, and all get its bytes', async () => {
  const bytes = content(4 * MIB + 1);
  let read = 0;
  const counting = (file: OpenFile): OpenFile => ({
    ...file,
    read: async (...args) => {
      const count = await file.read(...args);
      read += count;
      return count;
    },
  });
  const ops: FileOps = {
    ...nodeFileOps,
    openRead: async (path) => counting(await nodeFileOps.openRead(path)),
    openNew: async (path, mode) => counting(await nodeFileOps.openNew(path, mode)),
  };
  const store = await openStore({ ops });
  const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
  read = 0;
  const readers = 8;
  const { arrive } = barrier(readers);
  const bodies = await Promise.all(
    Array.from({ length: readers }, async () => {
      const body: Buffer[] = [];
      await blob.send(
        { start: 0, end: blob.size },
        async (chunk) => {
          body.push(Buffer.from(chunk));
          await arrive();
        },
        client(),
      );
      return Buffer.concat(body);
    }),
  );
  expect(bodies.every((body) => body.equals(bytes))).toBe(true);
  expect(read).toBe(bytes.byteLength);
});

/** Nobody goes on before all have arrived. */
function barrier(parties: number) {
  let here = 0;
  let open = Promise.withResolvers<void>();
  return {
    arrive() {
      const { promise, resolve } = open;
      if (++here === parties) {
        here = 0;
        open = Promise.withResolvers();
        resolve();
      }
      return promise;
    },
  };
}
