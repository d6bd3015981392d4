import { describe, expect, it } from 'vitest';
import type { Pruner } from '../../../src/blobs/pruning/pruner.ts';
import { Touched } from '../../../src/blobs/pruning/touched.ts';
import { client } from '../../support/callers.ts';
import { faultyOps, systemError } from '../../support/faults.ts';
import {
  content,
  expectedOf,
  MIB,
  openStore,
  refusalOf,
  type Store,
  sha256,
  upstream,
  wanted,
  whole,
} from '../../support/volume-harness.ts';

// What removes blobs that somebody found nothing to need: never what came into use meanwhile.

const SIZE = 100_000;
const WATCH = 'watch';

async function put(store: Store, bytes: Buffer): Promise<Buffer> {
  await store.blobs.fetch(wanted(bytes, { origin: sha256(bytes) }), upstream(whole(bytes)).download, client());
  return bytes;
}
const isStored = (store: Store, bytes: Buffer) => store.blobs.stored(expectedOf(bytes));
const pruner = (store: Store): Pruner => store.blobs.pruning.pruner;
const dropped = { files: 1, bytes: SIZE, spared: 0, failed: 0 };
const spared = { files: 0, bytes: 0, spared: 1, failed: 0 };

it('what nothing needs goes, and is counted no longer', async () => {
  const store = await openStore();
  const [old, other] = [await put(store, content(SIZE)), await put(store, content(SIZE))];
  pruner(store).begin(WATCH);
  expect(await pruner(store).drop(WATCH, [sha256(old)])).toEqual(dropped);
  expect([await isStored(store, old), await isStored(store, other)]).toEqual([false, true]);
  expect(store.blobs.usage()).toMatchObject({ blobs: 1, bytes: SIZE });
  expect(await pruner(store).drop(WATCH, [sha256(old)])).toEqual({ ...dropped, files: 0, bytes: 0 });
});

describe('what is spared', () => {
  it('a file that was opened since it was watched, or stored, or kept', async () => {
    const store = await openStore();
    const [opened, kept] = [await put(store, content(SIZE)), await put(store, content(SIZE))];
    pruner(store).begin(WATCH);
    await store.blobs.open(expectedOf(opened));
    await store.blobs.keep(sha256(kept), 'by hand');
    const stored = await put(store, content(SIZE));
    for (const bytes of [opened, kept, stored]) {
      expect(pruner(store).spared(WATCH, [sha256(bytes)])).toEqual([sha256(bytes)]);
      expect(await pruner(store).drop(WATCH, [sha256(bytes)])).toEqual(spared);
      expect(await isStored(store, bytes)).toBe(true);
    }
  });

  it('a file that is kept, also since before', async () => {
    const store = await openStore();
    const kept = await put(store, content(SIZE));
    await store.blobs.keep(sha256(kept), 'by hand');
    pruner(store).begin(WATCH);
    expect(await pruner(store).drop(WATCH, [sha256(kept)])).toEqual(spared);
    await store.blobs.keep(sha256(kept), undefined);
    expect(await pruner(store).drop(WATCH, [sha256(kept)])).toEqual(dropped);
  });

  it('a file that is being sent, from before the watch on, until it was', async () => {
    const store = await openStore();
    const bytes = await put(store, content(2 * MIB + 1));
    const blob = await store.blobs.open(expectedOf(bytes));
    const parts: Buffer[] = [];
    await blob?.send(
      { start: 0, end: bytes.byteLength },
      async (chunk) => {
        if (parts.length === 0) {
          pruner(store).begin(WATCH);
          expect(await pruner(store).drop(WATCH, [sha256(bytes)])).toEqual(spared);
        }
        parts.push(Buffer.from(chunk));
      },
      client(),
    );
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(await pruner(store).drop(WATCH, [sha256(bytes)])).toMatchObject({ files: 1, spared: 0 });
  });

  it('what another process with the same files says that it used', async () => {
    const store = await openStore();
    const bytes = await put(store, content(SIZE));
    pruner(store).begin(WATCH);
    store.blobs.follow([{ kind: 'used', sha256: sha256(bytes), size: SIZE, index: 'main' }]);
    expect(await pruner(store).drop(WATCH, [sha256(bytes)])).toEqual(spared);
  });

  it('everything, where more came into use than is remembered', () => {
    const touched = new Touched(2);
    for (const name of ['a', 'b']) touched.add(name);
    expect([touched.has('a'), touched.has('z')]).toEqual([true, false]);
    touched.add('c');
    expect(touched.has('z')).toBe(true);
  });
});

it('a watch that is over drops nothing: whoever began it does not know what was used since', async () => {
  const store = await openStore();
  const bytes = await put(store, content(SIZE));
  pruner(store).begin(WATCH);
  pruner(store).begin('another');
  expect(await refusalOf(pruner(store).drop(WATCH, [sha256(bytes)]))).toMatchObject({ reason: 'state' });
  pruner(store).end(WATCH);
  expect(pruner(store).spared('another', [sha256(bytes)])).toEqual([]);
  pruner(store).end('another');
  expect(await refusalOf(pruner(store).drop('another', [sha256(bytes)]))).toMatchObject({ reason: 'state' });
  expect(await isStored(store, bytes)).toBe(true);
});

it('a file that the disk does not let go stays counted, and is told', async () => {
  let isBroken = false;
  const ops = faultyOps({
    before({ kind, path }) {
      if (isBroken && kind === 'unlink' && path.includes('sha256')) throw systemError('EIO');
    },
  });
  const store = await openStore({ ops });
  const bytes = await put(store, content(SIZE));
  pruner(store).begin(WATCH);
  isBroken = true;
  expect(await pruner(store).drop(WATCH, [sha256(bytes)])).toEqual({ files: 0, bytes: 0, spared: 0, failed: 1 });
  expect(store.blobs.usage()).toMatchObject({ blobs: 1, bytes: SIZE });
});

describe('where machines share the files', () => {
  const shared = (how: { readonly leads: boolean; readonly spares: boolean; readonly still?: () => boolean }) => ({
    alone: async (work: (still: () => boolean) => Promise<void>) => {
      if (how.leads) await work(how.still ?? (() => true));
    },
    spares: async () => how.spares,
  });

  it('one alone removes, and nothing that another used a moment ago or keeps', async () => {
    const store = await openStore({ shared: shared({ leads: true, spares: true }) });
    const bytes = await put(store, content(SIZE));
    pruner(store).begin(WATCH);
    expect(await pruner(store).drop(WATCH, [sha256(bytes)])).toEqual(spared);
  });

  it.each([
    ['does not lead', shared({ leads: false, spares: false })],
    ['leads no longer', shared({ leads: true, spares: false, still: () => false })],
  ])('nothing is removed by one that %s, which is told', async (_, how) => {
    const store = await openStore({ shared: how });
    const bytes = await put(store, content(SIZE));
    pruner(store).begin(WATCH);
    expect(await refusalOf(pruner(store).drop(WATCH, [sha256(bytes)]))).toMatchObject({ reason: 'state' });
    expect(await isStored(store, bytes)).toBe(true);
  });
});
