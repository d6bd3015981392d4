import { describe, expect, it } from 'vitest';
import { OwnLease } from '../../../src/blobs/own-lease.ts';
import { SharedWork } from '../../../src/blobs/peers/shared-work.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import type { BlobChange, OfferEnd, PeerFiles, Peers } from '../../../src/ports/peers.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { content, MIB, openStore, sent, upstream, wanted, whole } from '../../support/volume-harness.ts';

// What a store has from other replicas, and what they may have of it.

/** Peers that offer these bodies, one after the other. */
function offering(...bodies: readonly (readonly Uint8Array[])[]) {
  const ends: OfferEnd[] = [];
  const asked: string[] = [];
  const left = [...bodies];
  const peers: PeerFiles = {
    count: 4,
    async find({ sha256 }) {
      asked.push(sha256);
      const body = left.shift();
      if (body === undefined) return undefined;
      async function* bytes() {
        yield* body ?? [];
      }
      return { bytes: bytes(), ended: (end) => void ends.push(end) };
    },
  };
  return { peers, ends, asked };
}

describe('a file that a peer offers', () => {
  it('is stored and sent where it is that file, and upstream is not asked', async () => {
    const bytes = content(MIB);
    const { peers, ends, asked } = offering([bytes.subarray(0, 1000), bytes.subarray(1000)]);
    const { blobs } = await openStore({ peerFiles: peers });
    const source = upstream(whole(bytes));
    const blob = await blobs.fetch(wanted(bytes), source.download, client());
    expect((await sent(blob)).equals(bytes)).toBe(true);
    expect([source.requests.length, ends, asked]).toEqual([0, ['proved'], [sha256Hex(bytes)]]);
  });

  it('is thrown away where it is another, shorter or longer one: the next is tried, and then upstream', async () => {
    const bytes = content(MIB);
    const other = Buffer.from(bytes);
    other.writeUInt8(other.readUInt8(5) ^ 1, 5);
    const { peers, ends } = offering([other], [bytes.subarray(1)], [bytes, bytes.subarray(0, 1)]);
    const { blobs } = await openStore({ peerFiles: peers });
    const source = upstream(whole(bytes));
    const blob = await blobs.fetch(wanted(bytes), source.download, client());
    expect((await sent(blob)).equals(bytes)).toBe(true);
    expect([source.requests.length, ends]).toEqual([1, ['wrong', 'wrong', 'wrong']]);
    expect(source.requests[0]?.offset).toBe(0);
  });

  it('is asked of no other peer once all who wanted it have left', async () => {
    const { caller, leave } = leavingClient();
    const { peers, asked, ends } = offering([], []);
    const bytes = content(MIB);
    const work = new SharedWork(
      { peerFiles: peers },
      {
        stored: async () => undefined,
        async take() {
          leave();
          throw new Refusal('truncated', 'It broke off.');
        },
      },
    );
    const filling = work.fill({
      key: 'a',
      wanted: wanted(bytes),
      waiting: { caller, received: () => undefined },
      inPlace: (take) => take(),
      run: () => expect.fail('upstream was asked'),
    });
    await expect(filling).rejects.toThrow('left');
    expect([asked, ends]).toEqual([[sha256Hex(bytes)], ['left']]);
  });
});

describe('what peers may have', () => {
  it('is what an index had a moment ago, and no longer', async () => {
    let now = 1_800_000_000_000;
    const { blobs } = await openStore({ nowMs: () => now });
    const bytes = content(MIB);
    const sha256 = sha256Hex(bytes);
    expect(await blobs.vouched(sha256)).toBeUndefined();
    await blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    expect((await blobs.vouched(sha256))?.sha256).toBe(sha256);
    now += 2 * 60_000 + 1;
    expect(await blobs.vouched(sha256)).toBeUndefined();
    // Somebody has it again.
    await blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    expect((await blobs.vouched(sha256))?.sha256).toBe(sha256);
  });

  it('is told to the other processes of the server, which give it as well, where there are replicas', async () => {
    const told: BlobChange[] = [];
    const peers: Peers = {
      lease: new OwnLease(),
      number: 2,
      leads: false,
      tell: async (news) => void (news.kind === 'blobs' && told.push(...news.changes)),
    };
    const bytes = content(MIB);
    const sha256 = sha256Hex(bytes);
    const first = await openStore({ peers, hasReplicas: true });
    await first.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    await expect.poll(() => told.map(({ kind }) => kind).sort()).toEqual(['added', 'vouched']);
    const sister = await openStore({ data: first.data });
    sister.blobs.follow(told.filter(({ kind }) => kind === 'added'));
    expect(await sister.blobs.vouched(sha256)).toBeUndefined();
    sister.blobs.follow(told);
    expect((await sister.blobs.vouched(sha256))?.sha256).toBe(sha256);
  });

  it('is nothing that only lies there, or that nobody stated a digest of', async () => {
    const { peers, asked } = offering();
    const { blobs } = await openStore({ peerFiles: peers });
    const [staged, seen] = [content(MIB), content(MIB + 1)];
    async function* bytes() {
      yield staged;
    }
    await blobs.stage({ sha256: sha256Hex(staged), size: staged.length }, bytes, 'main');
    const { expected: _, ...unstated } = wanted(seen);
    await blobs.sight({ ...unstated, length: seen.length }, upstream(whole(seen)).download, client());
    for (const each of [staged, seen]) {
      expect(await blobs.content({ sha256: sha256Hex(each), size: each.length })).toBeDefined();
      expect(await blobs.vouched(sha256Hex(each))).toBeUndefined();
    }
    expect(asked).toEqual([]);
  });
});
