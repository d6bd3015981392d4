import { describe, expect, it } from 'vitest';
import { type Caller, internalCaller } from '../../../src/async/caller.ts';
import { createGate } from '../../../src/async/gate.ts';
import { createShares } from '../../../src/async/shares.ts';
import type { Algorithm } from '../../../src/bytes/digest.ts';
import { makeExpected } from '../../../src/bytes/expected.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type FileOps, nodeFileOps } from '../../../src/disk/file-ops.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { faultyOps } from '../../support/faults.ts';
import {
  content,
  cut,
  digestsOf,
  expectedOf,
  filesBelow,
  held,
  inParts,
  MIB,
  openStore,
  refusalOf,
  reopen,
  type Store,
  sent,
  sha256,
  upstream,
  wanted,
  whole,
} from '../../support/volume-harness.ts';

async function nothingKept(store: Store): Promise<void> {
  expect(await filesBelow(`${store.data}/tmp`)).toEqual([]);
  expect(await filesBelow(`${store.data}/blobs/sha256`)).toEqual([]);
}

describe('one download', () => {
  it('is proved, durable under its digest, read-only, and sent from there without hashing again', async () => {
    const bytes = content(2 * MIB + 9);
    const store = await openStore();
    const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    expect(blob.sha256).toBe(sha256(bytes));
    expect(blob.size).toBe(bytes.byteLength);
    expect((await sent(blob)).equals(bytes)).toBe(true);
    expect((await sent(blob, { start: MIB - 1, end: MIB + 1 })).equals(bytes.subarray(MIB - 1, MIB + 1))).toBe(true);
    expect(Buffer.from(await blob.bytes(3 * MIB)).equals(bytes)).toBe(true);
    expect(await filesBelow(`${store.data}/tmp`)).toEqual([]);
    expect((await store.volume.ops.facts(store.pathOf(bytes)))?.mode).toBe(0o100444);
  });

  it('is found again after a restart, by any digest it was listed with', async () => {
    const bytes = content(MIB + 1);
    const algorithms: readonly Algorithm[] = ['sha512', 'blake2b-256', 'sha384'];
    const before = await openStore();
    const digests = await digestsOf(bytes, algorithms);
    await before.blobs.fetch(
      wanted(bytes, { expected: makeExpected({ digests }) }),
      upstream(whole(bytes)).download,
      client(),
    );
    const store = await reopen(before);
    for (const algorithm of algorithms) {
      const expected = makeExpected({ digests: await digestsOf(bytes, [algorithm]) });
      expect(await store.blobs.stored(expected)).toBe(true);
      const blob = await store.blobs.open(expected);
      expect(blob?.sha256).toBe(sha256(bytes));
    }
  });

  it('a listing that contradicts itself does not get the blob, and does not harm it', async () => {
    const bytes = content(1000);
    const store = await openStore();
    await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    const sha512 = [...(await digestsOf(content(10), ['sha512']))];
    const expected = makeExpected({ digests: new Map([...expectedOf(bytes).digests, ...sha512]) });
    expect(await store.blobs.open(expected)).toBeUndefined();
    expect(await store.blobs.open(makeExpected({ digests: expectedOf(bytes).digests, length: 999 }))).toBeUndefined();
    expect(await store.blobs.open(expectedOf(bytes))).toBeDefined();
    expect(store.corrupt).toEqual([]);
  });

  it('of a file of zero bytes', async () => {
    const empty = Buffer.alloc(0);
    const before = await openStore();
    const blob = await before.blobs.fetch(wanted(empty), upstream(whole(empty)).download, client());
    expect((await sent(blob)).byteLength).toBe(0);
    const store = await reopen(before);
    const again = await store.blobs.open(expectedOf(empty));
    expect(again?.size).toBe(0);
  });

  it('of exactly one chunk, and of several', async () => {
    for (const size of [MIB, 2 * MIB]) {
      const bytes = content(size);
      const before = await openStore();
      await before.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
      const store = await reopen(before);
      const blob = await store.blobs.open(expectedOf(bytes));
      expect(blob && (await sent(blob)).equals(bytes)).toBe(true);
    }
  });

  it('of a small file is read from the memory it was proved in, and from the disk after a start', async () => {
    const bytes = content(MIB);
    let reads = 0;
    const ops = faultyOps({
      before({ kind }) {
        if (kind === 'read') reads++;
      },
    });
    const before = await openStore({ ops });
    const blob = await before.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    expect((await sent(blob)).equals(bytes)).toBe(true);
    expect((await sent(blob, { start: 5, end: 900_000 })).equals(bytes.subarray(5, 900_000))).toBe(true);
    expect(Buffer.from(await blob.bytes(MIB)).equals(bytes)).toBe(true);
    await expect(sent(blob, { start: 0, end: MIB + 1 })).rejects.toThrow(RangeError);
    expect(reads).toBe(0);
    const store = await reopen(before, { ops });
    const again = await store.blobs.open(expectedOf(bytes));
    expect(again && (await sent(again)).equals(bytes)).toBe(true);
    expect(reads).toBeGreaterThan(0);
  });

  it('of two names with one hash is stored once', async () => {
    const bytes = content(5000);
    const store = await openStore();
    await store.blobs.fetch(wanted(bytes, { name: 'a.whl', origin: 'a' }), upstream(whole(bytes)).download, client());
    const second = upstream(whole(bytes));
    await store.blobs.fetch(wanted(bytes, { name: 'b.whl', origin: 'b' }), second.download, client());
    expect(second.requests).toHaveLength(0);
    expect(store.blobs.usage().blobs).toBe(1);
  });
});

describe('a download that breaks', () => {
  const broken: Readonly<Record<string, Error | undefined>> = {
    'ends early': undefined,
    'is reset': Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
    'is cut for being slow': new Refusal('slow', 'slow', { transient: true }),
  };
  for (const [how, error] of Object.entries(broken))
    it(`${how}: the next connection goes on where it stopped`, async () => {
      const bytes = content(2 * MIB + 100);
      const store = await openStore();
      const source = upstream(cut(bytes, MIB + 50, error), cut(bytes, 10, error), whole(bytes));
      const blob = await store.blobs.fetch(wanted(bytes), source.download, client());
      expect(source.requests.map(({ offset, attempt }) => [offset, attempt])).toEqual([
        [0, 1],
        [MIB + 50, 2],
        [MIB + 60, 3],
      ]);
      expect((await sent(blob)).equals(bytes)).toBe(true);
    });

  it('and whose upstream ignores the range starts from the first byte', async () => {
    const bytes = content(2 * MIB + 100);
    const store = await openStore();
    const source = upstream(cut(bytes, MIB + 50), () => ({ start: 0, bytes: inParts(bytes) }));
    const blob = await store.blobs.fetch(wanted(bytes), source.download, client());
    expect(source.requests).toHaveLength(2);
    expect((await sent(blob)).equals(bytes)).toBe(true);
    expect((await (await reopen(store)).blobs.open(expectedOf(bytes)))?.size).toBe(bytes.byteLength);
  });

  it('and resumes at another offset than asked for is not stitched together', async () => {
    const bytes = content(MIB);
    const store = await openStore();
    const source = upstream(cut(bytes, 500), () => ({ start: 400, bytes: inParts(bytes.subarray(400)) }), whole(bytes));
    const blob = await store.blobs.fetch(wanted(bytes), source.download, client());
    expect((await sent(blob)).equals(bytes)).toBe(true);
    expect(source.requests).toHaveLength(3);
  });

  it('after the last byte is complete', async () => {
    const bytes = content(MIB);
    const store = await openStore();
    const source = upstream(cut(bytes, MIB, new Error('reset')));
    await store.blobs.fetch(wanted(bytes), source.download, client());
    expect(source.requests).toHaveLength(1);
  });

  it('three times is refused as truncated, and nothing is kept', async () => {
    const bytes = content(MIB);
    const store = await openStore();
    const source = upstream(cut(bytes, 100));
    const refusal = await refusalOf(store.blobs.fetch(wanted(bytes), source.download, client()));
    expect(refusal).toMatchObject({ reason: 'truncated', transient: true, subject: 'file' });
    expect(source.requests).toHaveLength(3);
    await nothingKept(store);
  });

  it('with a refusal that no retry helps is asked once', async () => {
    const store = await openStore();
    const source = upstream(() => {
      throw new Refusal('unlisted', 'gone');
    });
    expect(await refusalOf(store.blobs.fetch(wanted(content(10)), source.download, client()))).toMatchObject({
      reason: 'unlisted',
    });
    expect(source.requests).toHaveLength(1);
  });
});

describe('a wrong body', () => {
  it('is tried once more from the start, then refused; nothing is kept', async () => {
    const bytes = content(MIB + 1);
    const wrong = content(MIB + 1);
    const store = await openStore();
    const source = upstream(whole(wrong));
    expect(await refusalOf(store.blobs.fetch(wanted(bytes), source.download, client()))).toMatchObject({
      reason: 'digest',
    });
    expect(source.requests.map(({ offset }) => offset)).toEqual([0, 0]);
    await nothingKept(store);
  });

  it('is told again as what it was while nobody asks for it, at every length of the pause', async () => {
    const bytes = content(1000);
    let now = 0;
    const store = await openStore({ nowMs: () => now });
    const source = upstream(whole(content(1000)));
    const ask = () => refusalOf(store.blobs.fetch(wanted(bytes), source.download, client()));
    for (const pause of [1000, 2000, 4000, 5000, 5000]) {
      const asked = source.requests.length;
      expect(await ask()).toMatchObject({ reason: 'digest', transient: false });
      expect(source.requests).toHaveLength(asked + 2);
      now += pause - 1;
      // Right bytes may come with the next try: whoever asks before it is told to come back.
      expect(await ask()).toMatchObject({ reason: 'digest', transient: true, subject: 'file' });
      expect(source.requests).toHaveLength(asked + 2);
      now += 1;
    }
  });

  it('that may pass is told again as one that may', async () => {
    const store = await openStore({ nowMs: () => 0 });
    const bytes = content(10);
    const source = upstream(() => {
      throw new Refusal('unreachable', 'Upstream is away.', { transient: true });
    });
    const ask = () => refusalOf(store.blobs.fetch(wanted(bytes), source.download, client()));
    expect(await ask()).toMatchObject({ reason: 'unreachable', transient: true });
    expect(await ask()).toMatchObject({ reason: 'unreachable', transient: true });
    expect(source.requests).toHaveLength(3);
  });

  it('once, then right, is served', async () => {
    const bytes = content(MIB + 1);
    const store = await openStore();
    const source = upstream(whole(content(MIB + 1)), whole(bytes));
    const blob = await store.blobs.fetch(wanted(bytes), source.download, client());
    expect((await sent(blob)).equals(bytes)).toBe(true);
  });

  it('whose sha256 is right and whose other digest is wrong', async () => {
    const bytes = content(100);
    const store = await openStore();
    const other = await digestsOf(content(100), ['blake2b-256']);
    const expected = makeExpected({ digests: new Map([...expectedOf(bytes).digests, ...other]) });
    expect(
      await refusalOf(store.blobs.fetch(wanted(bytes, { expected }), upstream(whole(bytes)).download, client())),
    ).toMatchObject({ reason: 'digest' });
    await nothingKept(store);
  });

  it('longer than listed is cut at the listed length', async () => {
    const bytes = content(MIB);
    const store = await openStore();
    let pulled = 0;
    const endless = upstream(() => ({
      start: 0,
      bytes: (async function* () {
        for (;;) {
          pulled++;
          yield Buffer.alloc(64 * 1024);
        }
      })(),
    }));
    expect(await refusalOf(store.blobs.fetch(wanted(bytes), endless.download, client()))).toMatchObject({
      reason: 'length',
    });
    expect(pulled).toBeLessThanOrEqual(2 * 17);
    await nothingKept(store);
  });

  it('without a listed length is cut at the limit', async () => {
    const bytes = content(3000);
    const store = await openStore();
    const want = wanted(bytes, { expected: makeExpected({ digests: expectedOf(bytes).digests }), limit: 2999 });
    expect(await refusalOf(store.blobs.fetch(want, upstream(whole(bytes)).download, client()))).toMatchObject({
      reason: 'limit',
    });
    await nothingKept(store);
  });
});

describe('many who ask', () => {
  it('share one download', async () => {
    const bytes = content(40_000);
    const store = await openStore();
    const source = upstream(whole(bytes));
    const blobs = await Promise.all(
      Array.from({ length: 1000 }, () => store.blobs.fetch(wanted(bytes), source.download, client())),
    );
    expect(source.requests).toHaveLength(1);
    const bodies = await Promise.all(blobs.map((blob) => sent(blob)));
    expect(bodies.every((body) => body.equals(bytes))).toBe(true);
  });

  it('and looked just before it was there do not download it again', async () => {
    const bytes = content(1000);
    const looked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    let slow = false;
    const ops: FileOps = {
      ...nodeFileOps,
      facts: async (path) => {
        const facts = await nodeFileOps.facts(path);
        if (slow && path === store.pathOf(bytes)) {
          slow = false;
          looked.resolve();
          await answer.promise;
        }
        return facts;
      },
    };
    const store = await openStore({ ops });
    await store.blobs.scanned;
    slow = true;
    const none = upstream();
    const late = store.blobs.fetch(wanted(bytes), none.download, client());
    await looked.promise;
    await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    answer.resolve();
    expect((await late).size).toBe(1000);
    expect(none.requests).toHaveLength(0);
  });

  it('share a first touch after start', async () => {
    const bytes = content(MIB + 77);
    const before = await openStore();
    await before.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    const store = await reopen(before);
    const blobs = await Promise.all(Array.from({ length: 50 }, () => store.blobs.open(expectedOf(bytes))));
    expect(blobs.every((blob) => blob?.size === bytes.byteLength)).toBe(true);
  });

  it('wait in turn for a first touch after start, and whoever leaves waits no more', async () => {
    const before = await openStore();
    const [one, two] = [content(MIB), content(MIB)];
    for (const bytes of [one, two])
      await before.blobs.fetch(wanted(bytes, { origin: sha256(bytes) }), upstream(whole(bytes)).download, client());
    const shares = createShares({ proofs: { places: 1 } });
    const store = await reopen(before, { shares });
    const free = await shares.proofs.enter(client());
    const none = upstream();
    const { caller, leave } = leavingClient();
    const left = store.blobs.fetch(wanted(one, { origin: 'one' }), none.download, caller);
    const other = store.blobs.fetch(wanted(two, { origin: 'two' }), none.download, client());
    await expect.poll(() => shares.proofs.usage.waiting, { interval: 1 }).toBe(2);
    leave();
    await expect(left).rejects.toThrow('left');
    expect(shares.proofs.usage.waiting).toBe(1);
    free();
    expect((await sent(await other)).equals(two)).toBe(true);
    expect([none.requests.length, shares.proofs.usage]).toEqual([0, { busy: 0, waiting: 0 }]);
  });

  it('and the first leaves: the others get the file', async () => {
    const bytes = content(MIB);
    const store = await openStore();
    const slow = held(bytes);
    const source = upstream(slow.answer);
    const { caller, leave } = leavingClient();
    const first = store.blobs.fetch(wanted(bytes), source.download, caller);
    await slow.begun;
    const second = store.blobs.fetch(wanted(bytes), source.download, client());
    leave();
    await expect(first).rejects.toThrow('left');
    slow.release();
    expect((await sent(await second)).equals(bytes)).toBe(true);
    expect(source.requests).toHaveLength(1);
  });

  it('for a job: it is a client’s as soon as a client waits for it', async () => {
    const bytes = content(MIB);
    const store = await openStore();
    const slow = held(bytes);
    const source = upstream(slow.answer);
    const job = store.blobs.fetch(wanted(bytes), source.download, internalCaller('main', 'sync'));
    await slow.begun;
    expect(source.requests[0]?.caller.priority).toBe('background');
    const joined = store.blobs.fetch(wanted(bytes), source.download, client());
    expect(source.requests[0]?.caller.priority).toBe('client');
    slow.release();
    await Promise.all([job, joined]);
  });

  it('all hear of the failure; it is not asked again at once', async () => {
    const bytes = content(1000);
    let now = 1_000_000;
    const store = await openStore({ nowMs: () => now });
    const source = upstream(whole(content(1000)), whole(content(1000)), whole(bytes));
    const refusals = await Promise.all(
      Array.from({ length: 5 }, () => refusalOf(store.blobs.fetch(wanted(bytes), source.download, client()))),
    );
    expect(refusals.map(({ reason }) => reason)).toEqual(Array(5).fill('digest'));
    expect(source.requests).toHaveLength(2);
    now += 999;
    expect(await refusalOf(store.blobs.fetch(wanted(bytes), source.download, client()))).toMatchObject({
      reason: 'digest',
    });
    expect(source.requests).toHaveLength(2);
    now += 2;
    expect((await store.blobs.fetch(wanted(bytes), source.download, client())).size).toBe(1000);
  });

  it('of two origins: neither waits for the other, nor shares its failure; the first proof serves both', async () => {
    const bytes = content(MIB);
    const store = await openStore();
    const slow = held(bytes);
    const fromSlow = store.blobs.fetch(wanted(bytes, { origin: 'slow' }), upstream(slow.answer).download, client());
    await slow.begun;
    const wrong = store.blobs.fetch(
      wanted(bytes, { origin: 'wrong' }),
      upstream(whole(content(MIB))).download,
      client(),
    );
    expect(await refusalOf(wrong)).toMatchObject({ reason: 'digest' });
    await store.blobs.fetch(wanted(bytes, { origin: 'good' }), upstream(whole(bytes)).download, client());
    // The slow download was never released.
    expect((await sent(await fromSlow)).equals(bytes)).toBe(true);
    await expect.poll(() => filesBelow(`${store.data}/tmp`), { timeout: 60_000 }).toEqual([]);
  });

  it('more downloads than allowed wait; more than may wait are refused', async () => {
    const store = await openStore({ shares: createShares({ fills: { places: 1, queue: 1 } }) });
    const [a, b, c] = [content(MIB), content(1000), content(1000)];
    const slow = held(a);
    const first = store.blobs.fetch(wanted(a), upstream(slow.answer).download, client());
    await slow.begun;
    const asked = [b, c].map((bytes) => {
      const { download, requests } = upstream(whole(bytes));
      return { bytes, requests, fetch: store.blobs.fetch(wanted(bytes), download, client()) };
    });
    // Whichever of the two comes second to the queue.
    const refused = await Promise.any(asked.map(async (one) => ({ one, refusal: await refusalOf(one.fetch) })));
    expect(refused.refusal).toMatchObject({ reason: 'limit', transient: true });
    expect(asked.flatMap(({ requests }) => requests)).toHaveLength(0);
    slow.release();
    await first;
    for (const { fetch } of asked.filter((one) => one !== refused.one)) expect((await fetch).size).toBe(1000);
    // Overload is not a failure of upstream: nothing to back off from.
    const { bytes } = refused.one;
    expect((await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client())).size).toBe(1000);
  });

  it('a close ends downloads that hang, and leaves nothing behind', async () => {
    const bytes = content(MIB);
    const store = await openStore();
    const slow = held(bytes);
    const fetch = refusalOf(store.blobs.fetch(wanted(bytes), upstream(slow.answer).download, client()));
    await slow.begun;
    await store.blobs.close();
    expect((await fetch).transient).toBe(true);
    await nothingKept(store);
  });
});

/** A download of which something has come when the client leaves, and then nothing more until it is released. */
async function abandoned(store: Store, origin: string, bytes = content(MIB)) {
  const slow = held(bytes);
  const source = upstream(slow.answer);
  const { caller, leave } = leavingClient({ party: origin });
  const fetch = store.blobs.fetch(wanted(bytes, { origin }), source.download, caller);
  await slow.begun;
  leave();
  await expect(fetch).rejects.toThrow('left');
  return { bytes, release: slow.release, isEnded: () => source.requests[0]?.caller.signal.aborted === true };
}

describe('a download that everybody left', () => {
  it('before anything came ends, and whoever comes next begins a new one', async () => {
    const bytes = content(MIB);
    const store = await openStore();
    const asked = Promise.withResolvers<void>();
    const silent = () => {
      asked.resolve();
      return new Promise<never>(() => undefined);
    };
    const source = upstream(silent, whole(bytes));
    const { caller, leave } = leavingClient();
    const only = store.blobs.fetch(wanted(bytes), source.download, caller);
    await asked.promise;
    leave();
    await expect(only).rejects.toThrow('left');
    expect(source.requests[0]?.caller.signal.aborted).toBe(true);
    // Nobody is told to wait because of it: it was no failure of upstream.
    expect((await sent(await store.blobs.fetch(wanted(bytes), source.download, client()))).equals(bytes)).toBe(true);
    expect(source.requests).toHaveLength(2);
  });

  it('goes on while something comes: whoever comes back joins it', async () => {
    const store = await openStore({ orphanStallMs: 60_000 });
    const { bytes, release, isEnded } = await abandoned(store, 'o');
    const none = upstream();
    const back = store.blobs.fetch(wanted(bytes, { origin: 'o' }), none.download, client());
    release();
    expect((await sent(await back)).equals(bytes)).toBe(true);
    expect(none.requests).toHaveLength(0);
    expect(isEnded()).toBe(false);
  });

  it('and that is through is stored', async () => {
    const store = await openStore({ orphanStallMs: 60_000 });
    const { bytes, release } = await abandoned(store, 'o');
    release();
    await expect.poll(() => store.blobs.stored(expectedOf(bytes)), { interval: 1 }).toBe(true);
  });

  it('and somebody who came back leaves too: it still goes on', async () => {
    const store = await openStore({ orphanStallMs: 60_000 });
    const { bytes, release, isEnded } = await abandoned(store, 'o');
    const { caller, leave } = leavingClient();
    const back = store.blobs.fetch(wanted(bytes, { origin: 'o' }), upstream().download, caller);
    leave();
    await expect(back).rejects.toThrow('left');
    expect(isEnded()).toBe(false);
    release();
    await expect.poll(() => store.blobs.stored(expectedOf(bytes)), { interval: 1 }).toBe(true);
  });

  it('ends when nothing comes any more', async () => {
    const store = await openStore({ orphanStallMs: 10 });
    const { isEnded } = await abandoned(store, 'o');
    await expect.poll(isEnded, { interval: 1 }).toBe(true);
    await expect.poll(() => store.blobs.usage().fills, { interval: 1 }).toBe(0);
    await nothingKept(store);
  });

  it('ends at once where too many go on already', async () => {
    const store = await openStore({ maxOrphans: 1, orphanStallMs: 60_000 });
    const one = await abandoned(store, 'one');
    const two = await abandoned(store, 'two');
    expect([one.isEnded(), two.isEnded()]).toEqual([false, true]);
  });

  it('ends when somebody waits for its place', async () => {
    const bytes = content(1000);
    const store = await openStore({ shares: createShares({ fills: { places: 1 } }), orphanStallMs: 60_000 });
    const { isEnded } = await abandoned(store, 'o');
    expect((await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client())).size).toBe(1000);
    expect(isEnded()).toBe(true);
  });

  it('ends when a client waits for a connection that it holds', async () => {
    const store = await openStore({ orphanStallMs: 60_000 });
    const lane = createGate({ places: 1, queue: 9, full: 'Too many.' });
    const bytes = content(MIB);
    const slow = held(bytes);
    const source = upstream(slow.answer);
    const { caller, leave } = leavingClient();
    const download: typeof source.download = async (attempt) => {
      const free = await lane.enter(attempt.caller);
      attempt.caller.signal.addEventListener('abort', free);
      return source.download(attempt);
    };
    const fetch = store.blobs.fetch(wanted(bytes), download, caller);
    await slow.begun;
    leave();
    await expect(fetch).rejects.toThrow('left');
    expect([lane.usage.busy, source.requests[0]?.caller.signal.aborted]).toEqual([1, false]);
    const free = await lane.enter(client());
    expect(source.requests[0]?.caller.signal.aborted).toBe(true);
    free();
  });

  it('and forty others like it hold up nobody', async () => {
    const store = await openStore({ orphanStallMs: 60_000 });
    let begun = 0;
    const leaving = Array.from({ length: 40 }, (_, n) => {
      const bytes = content(MIB);
      const { caller, leave } = leavingClient({ party: `192.0.2.${n}` });
      const stalling = held(bytes);
      void stalling.begun.then(() => begun++);
      const fetch = store.blobs.fetch(wanted(bytes, { origin: `o${n}` }), upstream(stalling.answer).download, caller);
      return { left: expect(fetch).rejects.toThrow('left'), leave };
    });
    await expect.poll(() => begun, { interval: 1 }).toBe(32);
    const bytes = content(1000);
    const other = store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client({ party: '192.0.2.99' }));
    for (const { left, leave } of leaving) {
      leave();
      await left;
    }
    expect((await other).size).toBe(1000);
    expect(store.blobs.usage().fills).toBeLessThanOrEqual(16);
  });
});

it('a download for a job goes before others as soon as a client joins it', async () => {
  const store = await openStore({ shares: createShares({ fills: { places: 1 } }) });
  const slow = held(content(MIB));
  const blocking = store.blobs.fetch(
    wanted(content(MIB), { origin: 'first' }),
    upstream(slow.answer).download,
    client(),
  );
  blocking.catch(() => undefined);
  await slow.begun;
  const order: string[] = [];
  const job = internalCaller('main', 'sync');
  const ask = (origin: string, bytes: Buffer, caller: Caller) =>
    store.blobs
      .fetch(wanted(bytes, { origin }), upstream(whole(bytes)).download, caller)
      .then(() => void order.push(origin));
  const [one, two, three] = [content(1000), content(1000), content(1000)];
  const all = [ask('one', one, job), ask('two', two, job), ask('three', three, job)];
  // Each looks at the disk first.
  await expect.poll(() => store.blobs.usage().fills, { interval: 1 }).toBe(4);
  all.push(ask('three', three, client()));
  await expect.poll(() => store.blobs.usage().fills, { interval: 1 }).toBe(4);
  await new Promise((resolve) => setImmediate(resolve));
  slow.release();
  await Promise.all(all);
  expect(order.slice(0, 2)).toEqual(['three', 'three']);
});
