import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { internalCaller } from '../../src/async/caller.ts';
import type { Digests } from '../../src/bytes/digest.ts';
import { type Expected, makeExpected } from '../../src/bytes/expected.ts';
import { prove } from '../../src/bytes/proven.ts';
import type { Blob } from '../../src/ports/blob.ts';
import type { Blobs } from '../../src/ports/blobs.ts';
import { client, leavingClient } from '../support/callers.ts';
import {
  content,
  expectedOf,
  held,
  MIB,
  refusalOf,
  sent,
  sentUntilRefused,
  sha256,
  upstream,
  wanted,
  whole,
} from '../support/volume-harness.ts';

/** Blobs with room for `ROOM` bytes. Whoever makes it cleans up after the test. */
export interface BlobsRig {
  readonly blobs: Blobs;
  /** Ends the use of it and begins again from what is stored. */
  restart(): Promise<Blobs>;
  /** Flips a bit of what is stored, so that nothing but the bytes tells. */
  change(sha256: string, at: number): Promise<void>;
}

export const ROOM = 8 * MIB;

export interface BlobsCase {
  readonly name: string;
  run(rig: BlobsRig): Promise<void>;
}

async function fetched(blobs: Blobs, bytes: Buffer): Promise<Blob> {
  return blobs.fetch(wanted(bytes, { origin: sha256(bytes) }), upstream(whole(bytes)).download, client());
}

function otherDigests(bytes: Uint8Array): Digests {
  return new Map([
    ['sha512', createHash('sha512').update(bytes).digest('hex')],
    ['sha384', createHash('sha384').update(bytes).digest('hex')],
  ]);
}

const fetching: readonly BlobsCase[] = [
  {
    name: 'what was never fetched is not there; what was is there at once, and after a restart',
    async run({ blobs, restart }) {
      const bytes = content(MIB + 10);
      expect(await blobs.stored(expectedOf(bytes))).toBe(false);
      expect(await blobs.open(expectedOf(bytes))).toBeUndefined();
      await fetched(blobs, bytes);
      for (const party of [blobs, await restart()]) {
        expect(await party.stored(expectedOf(bytes))).toBe(true);
        const blob = await party.open(expectedOf(bytes));
        expect(blob && (await sent(blob)).equals(bytes)).toBe(true);
        expect(blob && (await sent(blob, { start: 7, end: MIB + 3 })).equals(bytes.subarray(7, MIB + 3))).toBe(true);
      }
    },
  },
  {
    name: 'however many ask there is one download, and all get its bytes',
    async run({ blobs }) {
      const bytes = content(50_000);
      const slow = held(bytes);
      const source = upstream(slow.answer);
      const asked = Array.from({ length: 200 }, () => blobs.fetch(wanted(bytes), source.download, client()));
      await slow.begun;
      asked.push(blobs.fetch(wanted(bytes), source.download, client()));
      slow.release();
      for (const blob of await Promise.all(asked)) expect((await sent(blob)).equals(bytes)).toBe(true);
      expect((await sent(await blobs.fetch(wanted(bytes), source.download, client()))).equals(bytes)).toBe(true);
      expect(source.requests).toHaveLength(1);
    },
  },
  {
    name: 'nobody is handed anything before the whole was proved, and nothing wrong is kept',
    async run({ blobs }) {
      const bytes = content(2 * MIB);
      const wrong = Buffer.from(bytes);
      wrong[2 * MIB - 1] = (wrong[2 * MIB - 1] ?? 0) ^ 1;
      const asked = blobs.fetch(wanted(bytes), upstream(whole(wrong)).download, client());
      expect(await refusalOf(asked)).toMatchObject({ reason: 'digest' });
      expect(await blobs.stored(expectedOf(bytes))).toBe(false);
      expect(await blobs.open(expectedOf(bytes))).toBeUndefined();
      expect(await blobs.open(expectedOf(wrong))).toBeUndefined();
    },
  },
  {
    name: 'a body longer than stated is refused',
    async run({ blobs }) {
      const bytes = content(1000);
      const longer = upstream(whole(Buffer.concat([bytes, Buffer.alloc(1)])));
      expect(await refusalOf(blobs.fetch(wanted(bytes), longer.download, client()))).toMatchObject({
        reason: 'length',
      });
    },
  },
  {
    name: 'an expectation that nobody of ours stated is refused',
    async run({ blobs }) {
      const bytes = content(10);
      const forged = JSON.parse(JSON.stringify({ length: 10 })) as Expected;
      Object.assign(forged, { digests: expectedOf(bytes).digests });
      const source = upstream(whole(bytes));
      const want = { ...wanted(bytes), expected: forged };
      await expect(blobs.fetch(want, source.download, client())).rejects.toThrow(TypeError);
      await expect(blobs.open(forged)).rejects.toThrow(TypeError);
      await expect(blobs.stored(forged)).rejects.toThrow(TypeError);
      expect(source.requests).toHaveLength(0);
    },
  },
];

const sending: readonly BlobsCase[] = [
  {
    name: 'of a MiB that was changed no byte leaves, wherever in it one asks, and it is fetched anew',
    async run({ blobs, change }) {
      const bytes = content(3 * MIB + 5);
      const blob = await fetched(blobs, bytes);
      await sent(blob);
      await change(sha256(bytes), MIB + 5);
      const { left, reason } = await sentUntilRefused(blob, { start: MIB + 1000, end: MIB + 2000 });
      expect([left.byteLength, reason]).toEqual([0, 'digest']);
      expect(await blobs.open(expectedOf(bytes))).toBeUndefined();
      expect((await sent(await fetched(blobs, bytes))).equals(bytes)).toBe(true);
    },
  },
  {
    name: 'what was changed before a start is found before anything of it leaves',
    async run({ blobs, change, restart }) {
      const bytes = content(2 * MIB);
      await fetched(blobs, bytes);
      await change(sha256(bytes), 2 * MIB - 1);
      const after = await restart();
      expect(await after.open(expectedOf(bytes))).toBeUndefined();
      expect((await sent(await fetched(after, bytes))).equals(bytes)).toBe(true);
    },
  },
];

const waiting: readonly BlobsCase[] = [
  {
    name: 'a download of which nothing has come ends when all have left',
    async run({ blobs }) {
      const bytes = content(1000);
      const asked = Promise.withResolvers<void>();
      const source = upstream(() => {
        asked.resolve();
        return new Promise<never>(() => undefined);
      }, whole(bytes));
      const two = [leavingClient(), leavingClient()];
      const left = two.map(({ caller }) => refused(blobs.fetch(wanted(bytes), source.download, caller)));
      await asked.promise;
      for (const { leave } of two) leave();
      await Promise.all(left);
      expect(source.requests[0]?.caller.signal.aborted).toBe(true);
      expect((await blobs.fetch(wanted(bytes), source.download, client())).size).toBe(1000);
    },
  },
  {
    name: 'a download goes on for whoever stays',
    async run({ blobs }) {
      const bytes = content(MIB);
      const slow = held(bytes);
      const source = upstream(slow.answer);
      const { caller, leave } = leavingClient();
      const first = refused(blobs.fetch(wanted(bytes), source.download, caller));
      await slow.begun;
      const second = awaited(blobs.fetch(wanted(bytes), source.download, client()));
      leave();
      await first;
      slow.release();
      expect((await sent(await second)).equals(bytes)).toBe(true);
      expect(source.requests).toHaveLength(1);
    },
  },
  {
    name: 'a download for a job is a client’s as soon as a client waits for it',
    async run({ blobs }) {
      const bytes = content(MIB);
      const slow = held(bytes);
      const source = upstream(slow.answer);
      const job = awaited(blobs.fetch(wanted(bytes), source.download, internalCaller('main', 'sync')));
      await slow.begun;
      expect(source.requests[0]?.caller.priority).toBe('background');
      const joined = awaited(blobs.fetch(wanted(bytes), source.download, client()));
      expect(source.requests[0]?.caller.priority).toBe('client');
      slow.release();
      await Promise.all([job, joined]);
    },
  },
];

/** Where the case fails before it is waited for, its failure is nobody's. */
function awaited<T>(asked: Promise<T>): Promise<T> {
  asked.catch(() => undefined);
  return asked;
}

async function refused(asked: Promise<unknown>): Promise<void> {
  await expect(asked).rejects.toThrow('left');
}

const keeping: readonly BlobsCase[] = [
  {
    name: 'what is kept stays when others go for want of room, also after a restart',
    async run({ blobs, restart }) {
      const kept = content(MIB);
      await fetched(blobs, kept);
      expect(await blobs.keep(sha256(kept), 'sync of main')).toBe(true);
      expect(await blobs.keep('0'.repeat(64), 'sync of main')).toBe(false);
      const others = Array.from({ length: ROOM / MIB + 4 }, () => content(MIB));
      for (const bytes of others.slice(0, ROOM / MIB)) await fetched(blobs, bytes);
      const after = await restart();
      for (const bytes of others.slice(ROOM / MIB)) await fetched(after, bytes);
      const gone = async () =>
        (await Promise.all(others.map((bytes) => after.stored(expectedOf(bytes))))).includes(false);
      await expect.poll(gone, { interval: 1 }).toBe(true);
      expect(await after.stored(expectedOf(kept))).toBe(true);
    },
  },
];

const documents: readonly BlobsCase[] = [
  {
    name: 'a document that was written is read, proved, by each of its digests, also after a restart',
    async run({ blobs, restart }) {
      const bytes = content(5000);
      const expected = makeExpected({ length: 5000, digests: otherDigests(bytes) });
      expect(await blobs.readDocument(expected, 5000)).toBeUndefined();
      await blobs.writeDocument(prove(bytes, expected));
      for (const party of [blobs, await restart()])
        for (const one of [...otherDigests(bytes), ['sha256', sha256(bytes)] as const]) {
          const document = await party.readDocument(makeExpected({ digests: new Map([one]) }), 5000);
          expect(document?.sha256).toBe(sha256(bytes));
          expect(document?.bytes.length).toBe(5000);
        }
    },
  },
  {
    name: 'a document larger than its reader accepts is refused',
    async run({ blobs }) {
      const bytes = content(5001);
      await blobs.writeDocument(prove(bytes, expectedOf(bytes)));
      expect(await refusalOf(blobs.readDocument(expectedOf(bytes), 5000))).toMatchObject({ reason: 'limit' });
    },
  },
  {
    name: 'a document that was written is a file like any other',
    async run({ blobs }) {
      const bytes = content(5001);
      await blobs.writeDocument(prove(bytes, expectedOf(bytes)));
      const none = upstream();
      expect((await sent(await blobs.fetch(wanted(bytes), none.download, client()))).equals(bytes)).toBe(true);
      expect(await blobs.keep(sha256(bytes), 'sync')).toBe(true);
    },
  },
];

export const BLOBS_CASES: readonly BlobsCase[] = [...fetching, ...sending, ...waiting, ...keeping, ...documents];

/** What every store of files and documents has to do, on the one that `make` makes. */
export function blobsContract(name: string, make: () => Promise<BlobsRig>): void {
  describe(`files and documents: ${name}`, () => {
    it.each(BLOBS_CASES)('$name', async ({ run }) => {
      await run(await make());
    });
  });
}
