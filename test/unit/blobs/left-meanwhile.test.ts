import { describe, expect, it } from 'vitest';
import { createGate } from '../../../src/async/gate.ts';
import { ChunkBuffers } from '../../../src/blobs/chunk-buffers.ts';
import { BlobGone, readWhole, sendChecked } from '../../../src/blobs/chunks.ts';
import { FillWriter } from '../../../src/blobs/fill-writer.ts';
import { Pieces } from '../../../src/blobs/pieces.ts';
import { Proofs } from '../../../src/blobs/proofs.ts';
import { scanBlobs } from '../../../src/blobs/scan.ts';
import { SharedChunks } from '../../../src/blobs/shared-chunks.ts';
import { Tags } from '../../../src/blobs/tags.ts';
import { underLease } from '../../../src/blobs/under-lease.ts';
import { UsageOrder } from '../../../src/blobs/usage-order.ts';
import { createProver } from '../../../src/bytes/prover.ts';
import { StorageError } from '../../../src/ports/blob-storage.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { faultyOps, systemError } from '../../support/faults.ts';
import { createMemoryBlobs } from '../../support/memory-blobs.ts';
import {
  content,
  digestsOf,
  MIB,
  openStore,
  refusalOf,
  sha256,
  upstream,
  wanted,
  whole,
} from '../../support/volume-harness.ts';

// What a caller who left, a blob that went, or a mirror that stops finds between one step and the next.

const bytes = content(2 * MIB + 5);

/** These bytes in a storage, and what reads them. */
async function stored() {
  const memory = createMemoryBlobs();
  const storage = memory.party();
  const writer = await storage.begin();
  await writer.write(bytes, 0);
  await writer.commit(sha256(bytes));
  memory.calls();
  const gate = () => createGate({ places: 1, queue: 1, full: 'Too many readers.' });
  return { memory, storage, gate: gate(), buffers: new ChunkBuffers(gate(), 1) };
}

describe('whoever leaves', () => {
  it('while a small range is read is sent nothing of it', async () => {
    const { caller, leave } = leavingClient();
    let isAsked = false;
    const ops = faultyOps({
      after: ({ kind }) => {
        if (isAsked && kind === 'read') leave();
      },
    });
    const store = await openStore({ openIdle: 0, ops });
    const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    isAsked = true;
    const written: Uint8Array[] = [];
    const write = async (chunk: Uint8Array) => void written.push(chunk);
    await expect(blob.send({ start: 5, end: 9 }, write, caller)).rejects.toThrow('left');
    expect(written).toEqual([]);
  });

  it('while a blob is read whole ends the reading at the next chunk, and the buffer goes back', async () => {
    const { buffers, storage } = await stored();
    const { caller, leave } = leavingClient();
    const chunks: number[] = [];
    const each = (index: number) => {
      chunks.push(index);
      leave();
    };
    await expect(readWhole({ storage, buffers }, sha256(bytes), caller, each)).rejects.toThrow('left');
    expect(chunks).toEqual([0]);
    expect(buffers.inUse).toBe(0);
  });

  it('while what was kept of a download is hashed again leaves it kept', async () => {
    const storage = createMemoryBlobs().party();
    const statement = { digests: await digestsOf(bytes), length: bytes.byteLength };
    const writing = { expected: statement, limit: MIB * 4, startProver: () => createProver(statement) };
    const key = 'a'.repeat(64);
    const begun = await FillWriter.open(await storage.begin(key), writing);
    await begun.write(bytes.subarray(0, MIB));
    expect(await begun.keep()).toBe(MIB);
    const kept = (await storage.takeUp(key)) ?? expect.fail();
    const left = AbortSignal.abort(new Error('left'));
    await expect(FillWriter.goOn(kept, writing, left)).rejects.toThrow('left');
    const again = (await storage.takeUp(key)) ?? expect.fail();
    const fill = await FillWriter.goOn(again, writing, client().signal);
    expect(fill.takenUp).toBe(MIB);
    // The rest is missing: nothing of it is given a name.
    await expect(fill.commit()).rejects.toThrow('nothing was proved');
    expect(await storage.stat(sha256(bytes))).toBeUndefined();
    await fill.write(bytes.subarray(MIB));
    await fill.prove();
    expect((await fill.commit()).sha256).toBe(sha256(bytes));
  });

  it('while a lease is asked for does no work, and gives the key back', async () => {
    const { caller, leave } = leavingClient();
    const done: string[] = [];
    const lease = {
      take: async () => {
        leave();
        return { held: true, sure: true, release: async () => void done.push('released') } as const;
      },
      ended: async () => undefined,
    };
    const times = { answerMs: 60_000, lookMs: 1, leastMs: 1, patienceMs: 60_000 };
    const run = async () => void done.push('worked');
    const work = underLease({ lease, key: 'a', times, signal: caller.signal, look: async () => undefined, run });
    await expect(work).rejects.toThrow('left');
    await expect.poll(() => done).toEqual(['released']);
  });
});

it('whoever leaves while another holds the lease looks for nothing any more', async () => {
  const { caller, leave } = leavingClient();
  const lease = {
    take: async () => ({ held: false, heldBy: 'another' }) as const,
    async ended() {
      leave();
    },
  };
  const times = { answerMs: 60_000, lookMs: 60_000, leastMs: 1, patienceMs: 60_000 };
  const work = { lease, key: 'a', times, signal: caller.signal, look: async () => 'found', run: async () => 'run' };
  await expect(underLease(work)).rejects.toThrow('left');
});

it('what a client’s end fails with says nothing of the blob that is sent', async () => {
  const { blobs, corrupt } = await openStore();
  const blob = await blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
  const elsewhere = new StorageError('damaged', 'It could not be written there.');
  const sending = blob.send({ start: 0, end: blob.size }, () => Promise.reject(elsewhere), client());
  await expect(sending).rejects.toBe(elsewhere);
  expect(corrupt).toEqual([]);
  expect(await blobs.open(wanted(bytes).expected)).toBeDefined();
});

it('a blob that ends before its length is called shorter, whatever the buffer held before', async () => {
  const { storage, buffers, memory } = await stored();
  const tags = Tags.of(bytes);
  const short = {
    ...storage,
    async open(...given: Parameters<typeof storage.open>) {
      const source = await storage.open(...given);
      return (
        source && {
          ...source,
          size: source.size,
          version: source.version,
          read: async () => 0,
          close: () => source.close(),
        }
      );
    },
  };
  const deps = { storage: short, buffers, shared: new SharedChunks(), pieces: new Pieces() };
  const checked = { sha256: sha256(bytes), size: bytes.byteLength, tags };
  const sending = sendChecked(deps, checked, { start: 0, end: bytes.byteLength }, async () => undefined, client());
  await expect(sending).rejects.toThrow('it is shorter now');
  expect(memory.setAside).toEqual([]);
});

it('a scan that is stopped lists no further', async () => {
  let listed = 0;
  const storage = {
    ...createMemoryBlobs().party(),
    async *list() {
      for (;;) {
        listed++;
        yield { sha256: sha256(Buffer.of(listed)), size: 1 };
        if (listed === 3) return;
      }
    },
  };
  const record = { read: async () => undefined, write: async () => undefined };
  const order = new UsageOrder({ maxBytes: 100, probationShare: 0.1 });
  expect(await scanBlobs(storage, record, order, () => listed > 1)).toBe(false);
  expect(listed).toBe(2);
});

describe('a blob that is gone', () => {
  it('is told so, and looked for once, whatever digests it was asked by', async () => {
    const { buffers, storage, gate, memory } = await stored();
    await storage.remove(sha256(bytes));
    memory.calls();
    await expect(readWhole({ storage, buffers }, sha256(bytes), client(), () => undefined)).rejects.toThrow(BlobGone);
    const proofs = new Proofs({ storage, buffers, gate, memory: MIB });
    memory.calls();
    const both = await digestsOf(bytes, ['sha256', 'sha512']);
    await expect(proofs.prove(sha256(bytes), both, client())).rejects.toThrow(BlobGone);
    expect(memory.calls().get('open')).toBe(1);
  });
});

it('a blob that is not what its one digest says is hashed once, and refused', async () => {
  const { buffers, storage, gate, memory } = await stored();
  memory.change(sha256(bytes));
  memory.calls();
  const proofs = new Proofs({ storage, buffers, gate, memory: MIB });
  const proving = proofs.prove(sha256(bytes), await digestsOf(bytes), client());
  expect(await refusalOf(proving)).toMatchObject({ reason: 'digest' });
  expect(memory.calls().get('open')).toBe(1);
});

it('a disk that opens no more files is no blob that is wrong', async () => {
  let isFull = false;
  const ops = faultyOps({
    before: ({ kind }) => {
      if (isFull && kind === 'open-read') throw systemError('EMFILE');
    },
  });
  const { blobs } = await openStore({ openIdle: 0, ops });
  await blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
  isFull = true;
  await expect(blobs.verifyAll()).rejects.toMatchObject({ name: 'StorageError', kind: 'busy' });
  isFull = false;
  expect(await blobs.verifyAll()).toEqual({ blobs: 1, bytes: bytes.byteLength, wrong: [] });
});

it('a download is not begun by a mirror that stops', async () => {
  const { blobs } = await openStore();
  await blobs.close();
  const source = upstream(whole(bytes));
  expect(await refusalOf(blobs.fetch(wanted(bytes), source.download, client()))).toMatchObject({
    reason: 'state',
    transient: true,
    message: 'The mirror is shutting down.',
  });
  expect(source.requests).toEqual([]);
});

it('a file without a length is no first sight: nobody can tell whether it is whole', async () => {
  const { blobs } = await openStore();
  const { expected: _, ...unstated } = wanted(bytes);
  const unframed = upstream((request) => ({ ...whole(bytes)(request), unframed: true }));
  expect(await refusalOf(blobs.sight(unstated, unframed.download, client()))).toMatchObject({
    reason: 'truncated',
    message: 'f-1.0.whl came without a length, so nobody can tell whether it was cut.',
  });
  const framed = upstream(whole(bytes));
  const { sighting } = await blobs.sight({ ...unstated, origin: 'another' }, framed.download, client());
  expect(sighting.sha256).toBe(sha256(bytes));
});

it('tags match the units they were made of, each in its place, and none that comes after the last', () => {
  const tags = Tags.of(bytes);
  const unit = bytes.subarray(0, 128 * 1024);
  expect(tags.matches(0, bytes)).toBe(true);
  expect(tags.matches(0, unit)).toBe(true);
  for (const place of [1, 16, 17, 1000]) expect(tags.matches(place, unit)).toBe(false);
});
