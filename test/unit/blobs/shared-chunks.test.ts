import { describe, expect, it } from 'vitest';
import { SharedChunks } from '../../../src/blobs/shared-chunks.ts';
import { Tags } from '../../../src/blobs/tags.ts';
import { type FileOps, nodeFileOps, type OpenFile } from '../../../src/disk/file-ops.ts';
import { client } from '../../support/callers.ts';
import { content, MIB, openStore, upstream, wanted, whole } from '../../support/volume-harness.ts';

/** A buffer on loan, and how often it was given back. */
function lend(name: string) {
  const lent = {
    buffer: Buffer.from(name),
    returns: 0,
    isSentFrom: false,
    giveBack(isSending = false) {
      lent.returns++;
      lent.isSentFrom = isSending;
    },
  };
  return lent;
}
const asIs = (into: Buffer) => Promise.resolve(into);
const notRead = () => Promise.reject(new Error('it was read again'));

describe('a chunk that a reader has', () => {
  it('is read once for all who want it, in one buffer', async () => {
    const [shared, tags, own] = [new SharedChunks(), new Tags(), lend('a')];
    const first = shared.begin(tags, 0, own, asIs);
    const second = shared.join(tags, 0);
    expect(await second?.bytes).toBe(await first.bytes);
    expect(own.returns).toBe(0);
  });

  it('that somebody began meanwhile is taken as it is, and the buffer lent for it goes back at once', async () => {
    const [shared, tags, own, needless] = [new SharedChunks(), new Tags(), lend('a'), lend('b')];
    const first = shared.begin(tags, 0, own, asIs);
    const second = shared.begin(tags, 0, needless, notRead);
    expect(await second.bytes).toBe(await first.bytes);
    expect([own.returns, needless.returns]).toEqual([0, 1]);
  });

  it.each([
    ['first', [0, 1, 2]],
    ['second', [1, 0, 2]],
    ['last', [2, 1, 0]],
  ])('keeps its buffer until the last has let go, though the one that read it leaves %s', async (_, order) => {
    const [shared, tags, own] = [new SharedChunks(), new Tags(), lend('a')];
    const held = [shared.begin(tags, 0, own, asIs), shared.join(tags, 0), shared.join(tags, 0)];
    await held[0]?.bytes;
    const returns = order.map((at) => {
      held[at]?.release();
      return own.returns;
    });
    expect(returns).toEqual([0, 0, 1]);
  });

  it('keeps its buffer while it is still being read, though nobody waits for it any more', async () => {
    const [shared, tags, own] = [new SharedChunks(), new Tags(), lend('a')];
    const reading = Promise.withResolvers<void>();
    const only = shared.begin(tags, 0, own, async (into) => {
      await reading.promise;
      return into;
    });
    only.release();
    expect([own.returns, shared.join(tags, 0)]).toEqual([0, undefined]);
    reading.resolve();
    await only.bytes;
    expect(own.returns).toBe(1);
  });

  it.each([[0], [1]])('says that it is still being sent from, whichever of its readers was (%i)', async (sending) => {
    const [shared, tags, own] = [new SharedChunks(), new Tags(), lend('a')];
    const held = [shared.begin(tags, 0, own, asIs), shared.join(tags, 0)];
    await held[0]?.bytes;
    for (const [at, each] of held.entries()) each?.release(at === sending);
    expect(own).toMatchObject({ returns: 1, isSentFrom: true });
  });

  it('is read again once nobody has it', async () => {
    const [shared, tags] = [new SharedChunks(), new Tags()];
    shared.begin(tags, 0, lend('a'), asIs).release();
    expect(shared.join(tags, 0)).toBeUndefined();
    expect(await shared.begin(tags, 0, lend('b'), asIs).bytes).toEqual(Buffer.from('b'));
  });

  it('is not another one: of another place, or of the same blob fetched anew', () => {
    const [shared, tags] = [new SharedChunks(), new Tags()];
    shared.begin(tags, 0, lend('a'), asIs);
    expect(shared.join(tags, 1)).toBeUndefined();
    expect(shared.join(new Tags(), 0)).toBeUndefined();
  });

  it('that could not be read fails all who wanted it, and is tried anew by who comes after', async () => {
    const [shared, tags, own] = [new SharedChunks(), new Tags(), lend('a')];
    const wrong = () => Promise.reject(new Error('changed'));
    const held = [shared.begin(tags, 0, own, wrong), shared.join(tags, 0)];
    for (const each of held) await expect(each?.bytes).rejects.toThrow('changed');
    expect(await shared.begin(tags, 0, lend('b'), asIs).bytes).toEqual(Buffer.from('b'));
    for (const each of held) each?.release();
    expect(own.returns).toBe(1);
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
