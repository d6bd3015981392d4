import { describe, expect, it } from 'vitest';
import { createGate } from '../../../src/async/gate.ts';
import { createShares } from '../../../src/async/shares.ts';
import { ChunkBuffers } from '../../../src/blobs/chunk-buffers.ts';
import { sendChecked } from '../../../src/blobs/chunks.ts';
import { UNCOPIED } from '../../../src/blobs/limits.ts';
import { Pieces } from '../../../src/blobs/pieces.ts';
import { SharedChunks } from '../../../src/blobs/shared-chunks.ts';
import { Tags } from '../../../src/blobs/tags.ts';
import type { BlobStorage } from '../../../src/ports/blob-storage.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { createMemoryBlobs } from '../../support/memory-blobs.ts';
import {
  content,
  expectedOf,
  MIB,
  openStore,
  refusalOf,
  reopen,
  sent,
  sha256,
  upstream,
  wanted,
  whole,
} from '../../support/volume-harness.ts';

interface Sizes {
  readonly places: number;
  readonly longestWait?: number;
  readonly patience?: number;
}

function buffersOf({ patience, ...options }: Sizes) {
  const gate = createGate({ queue: 1, full: 'Too many readers.', ...options });
  return new ChunkBuffers(gate, options.places, patience);
}

describe('buffers of one chunk', () => {
  it('are never more than there may be; who waits gets the next one', async () => {
    const buffers = buffersOf({ places: 1 });
    const first = await buffers.take(client());
    expect(await buffers.takeSpare(client())).toBeUndefined();
    const second = buffers.take(client());
    expect(await refusalOf(buffers.take(client()))).toMatchObject({ reason: 'limit', transient: true });
    first.giveBack();
    expect((await second).buffer).toBe(first.buffer);
    expect(buffers.inUse).toBe(1);
  });

  it('are not lent again where something is still sent from them, and their places are free', async () => {
    const buffers = buffersOf({ places: 1 });
    const first = await buffers.take(client());
    const second = buffers.take(client());
    first.giveBack(true);
    expect((await second).buffer).not.toBe(first.buffer);
    expect(buffers.inUse).toBe(1);
  });

  it('are lent as spare ones only while nobody waits', async () => {
    const buffers = buffersOf({ places: 2 });
    const first = await buffers.take(client());
    const spare = await buffers.takeSpare(client());
    expect([spare?.buffer === first.buffer, buffers.inUse]).toEqual([false, 2]);
    const second = buffers.take(client());
    expect(await buffers.takeSpare(client())).toBeUndefined();
    spare?.giveBack();
    expect((await second).buffer).toBe(spare?.buffer);
  });

  it('who waits too long for one is told that the mirror is busy, and takes nothing with him', async () => {
    const buffers = buffersOf({ places: 1, longestWait: 1 });
    const first = await buffers.take(client());
    expect(await refusalOf(buffers.take(client()))).toMatchObject({ reason: 'limit', transient: true });
    first.giveBack();
    expect(buffers.inUse).toBe(0);
  });

  it('who leaves the queue takes nothing with him', async () => {
    const buffers = buffersOf({ places: 1 });
    const first = await buffers.take(client());
    const { caller, leave } = leavingClient();
    const second = buffers.take(caller);
    leave();
    await expect(second).rejects.toThrow('left');
    first.giveBack();
    expect(buffers.inUse).toBe(0);
  });
});

describe('a reader that waits for its client', () => {
  it('keeps its buffer as long as nobody wants it', async () => {
    const buffers = buffersOf({ places: 1, patience: 0 });
    await buffers.take(client());
    let given = 0;
    const resume = buffers.pause(() => given++);
    await new Promise((resolve) => setImmediate(resolve));
    resume();
    expect([given, buffers.inUse]).toEqual([0, 1]);
  });

  it('gives it up to whoever wants one, the one that has waited longest first', async () => {
    const buffers = buffersOf({ places: 2, patience: 0 });
    const held = [await buffers.take(client()), await buffers.take(client())];
    const given: number[] = [];
    for (const [at, lent] of held.entries())
      buffers.pause(() => {
        given.push(at);
        lent.giveBack();
      });
    const next = await buffers.take(client());
    expect([given, next.buffer === held[0]?.buffer]).toEqual([[0], true]);
  });

  it('gives it up though it was wanted before its client began to dawdle', async () => {
    const buffers = buffersOf({ places: 1, patience: 1 });
    const first = await buffers.take(client());
    const next = buffers.take(client());
    buffers.pause(() => first.giveBack());
    expect((await next).buffer).toBe(first.buffer);
  });

  it('does not give up what it goes on with', async () => {
    const buffers = buffersOf({ places: 1, patience: 0 });
    const first = await buffers.take(client());
    buffers.pause(() => first.giveBack())();
    const next = buffers.take(client());
    await new Promise((resolve) => setImmediate(resolve));
    expect(buffers.inUse).toBe(1);
    first.giveBack();
    await next;
  });

  it('and gives up nothing that frees a buffer is passed over', async () => {
    const buffers = buffersOf({ places: 1, patience: 0 });
    const first = await buffers.take(client());
    buffers.pause(() => undefined);
    buffers.pause(() => first.giveBack());
    expect((await buffers.take(client())).buffer).toBe(first.buffer);
  });
});

describe('many readers and few buffers', () => {
  it('clients that take nothing hold up nobody who takes what comes, and get every byte when they go on', async () => {
    const store = await openStore({ shares: createShares({ chunks: { places: 2 } }) });
    const contents = Array.from({ length: 6 }, (_, at) => content(2 * MIB + at));
    const going = Promise.withResolvers<void>();
    const bodies = contents.map(async (bytes): Promise<Buffer> => {
      const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
      const body: Buffer[] = [];
      const write = async (chunk: Uint8Array) => {
        body.push(Buffer.from(chunk));
        await going.promise;
      };
      await blob.send({ start: 0, end: blob.size }, write, client());
      return Buffer.concat(body);
    });
    const other = content(3 * MIB + 1);
    const blob = await store.blobs.fetch(wanted(other), upstream(whole(other)).download, client());
    for (let at = 0; at < 3; at++) expect((await sent(blob)).equals(other)).toBe(true);
    going.resolve();
    for (const [at, body] of bodies.entries()) expect((await body).equals(contents[at] ?? other)).toBe(true);
  });

  it.each([
    ['few', 1],
    ['many', UNCOPIED + 1],
  ])(
    'what clients are handed is theirs where there are %s, whatever becomes of the chunk meanwhile',
    async (_, readers) => {
      const bytes = content(2 * MIB);
      const store = await openStore({ shares: createShares({ chunks: { places: 1 } }) });
      const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
      const going = Promise.withResolvers<void>();
      const handed: Uint8Array[] = [];
      const sends: Promise<void>[] = [];
      for (let at = 1; at <= readers; at++) {
        const write = async (chunk: Uint8Array) => {
          handed.push(chunk);
          await going.promise;
        };
        sends.push(blob.send({ start: 0, end: blob.size }, write, client()));
        await expect.poll(() => handed.length, { interval: 1 }).toBe(at);
      }
      // Another reader goes through all of the file in the only buffer there is.
      await sent(blob);
      for (const chunk of handed) expect(Buffer.from(chunk).equals(bytes.subarray(0, chunk.byteLength))).toBe(true);
      going.resolve();
      await Promise.all(sends);
    },
  );

  it('what a client was handed that then failed may still be on its way: nothing is read into it', async () => {
    const [bytes, other] = [content(2 * MIB), content(2 * MIB + 1)];
    const store = await openStore({ shares: createShares({ chunks: { places: 1 } }) });
    const [blob, next] = [
      await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client()),
      await store.blobs.fetch(wanted(other), upstream(whole(other)).download, client()),
    ];
    let handed: Uint8Array = new Uint8Array();
    const failing = async (chunk: Uint8Array) => {
      handed = chunk;
      throw new Error('the client left');
    };
    await expect(blob.send({ start: 1, end: blob.size }, failing, client())).rejects.toThrow('left');
    expect((await sent(next)).equals(other)).toBe(true);
    expect(Buffer.from(handed).equals(bytes.subarray(1, MIB))).toBe(true);
  });

  it('everybody is served, with one buffer each or in turn', async () => {
    const bytes = content(3 * MIB + 1);
    for (const places of [1, 2, 3]) {
      const store = await openStore({ shares: createShares({ chunks: { places } }) });
      const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
      const bodies = await Promise.all(Array.from({ length: 8 }, () => sent(blob)));
      expect(bodies.every((body) => body.equals(bytes))).toBe(true);
    }
  });

  it('clients that hold every buffer hold up neither hashing nor what the mirror reads itself', async () => {
    const [bytes, document] = [content(3 * MIB), content(1000)];
    const first = await openStore();
    await first.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    await first.blobs.fetch(wanted(document), upstream(whole(document)).download, client());
    const store = await reopen(first, { shares: createShares({ chunks: { places: 1 } }) });
    const blob = await store.blobs.open(expectedOf(bytes));
    const taking = Promise.withResolvers<void>();
    const holding = Promise.withResolvers<void>();
    const send = blob?.send(
      { start: 0, end: blob.size },
      () => {
        holding.resolve();
        return taking.promise;
      },
      client(),
    );
    await holding.promise;
    const read = await store.blobs.open(expectedOf(document));
    expect(Buffer.from((await read?.bytes(MIB)) ?? []).equals(document)).toBe(true);
    taking.resolve();
    await send;
  });

  it('a buffer that is still being read into is not given to another reader', async () => {
    const bytes = content(2 * MIB);
    const reading = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const memory = createMemoryBlobs().party();
    const writer = await memory.begin();
    await writer.write(bytes, 0);
    await writer.commit(sha256(bytes));
    const storage: BlobStorage = {
      ...memory,
      async open(...given) {
        const blob = await memory.open(...given);
        return (
          blob && {
            ...blob,
            async read(into, position) {
              if (position > 0) {
                reading.resolve();
                await released.promise;
              }
              return blob.read(into, position);
            },
          }
        );
      },
    };
    const tags = new Tags();
    tags.add(0, bytes.subarray(0, MIB));
    tags.add(1, bytes.subarray(MIB));
    const buffers = buffersOf({ places: 2 });
    let over = false;
    const send = sendChecked(
      { storage, buffers, shared: new SharedChunks(), pieces: new Pieces() },
      { sha256: sha256(bytes), size: 2 * MIB, tags },
      { start: 0, end: 2 * MIB },
      async () => {
        await reading.promise;
        throw new Error('the client left');
      },
      client(),
    ).catch(() => {
      over = true;
    });
    await reading.promise;
    await new Promise((resolve) => setImmediate(resolve));
    expect([over, buffers.inUse]).toEqual([false, 1]);
    released.resolve();
    await send;
    expect([over, buffers.inUse]).toEqual([true, 0]);
  });

  it('a reader that stops between chunks gives its buffers back', async () => {
    const bytes = content(3 * MIB + 1);
    const store = await openStore({ shares: createShares({ chunks: { places: 2 } }) });
    const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    const { caller, leave } = leavingClient();
    const send = blob.send({ start: 0, end: blob.size }, async () => leave(), caller);
    await expect(send).rejects.toThrow('left');
    expect((await sent(blob)).equals(bytes)).toBe(true);
  });
});
