import { cp, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeExpected } from '../../../src/bytes/expected.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { faultyOps, systemError } from '../../support/faults.ts';
import {
  content,
  cut,
  digestsOf,
  filesBelow,
  held,
  MIB,
  openStore,
  refusalOf,
  reopen,
  type Store,
  type StoreOptions,
  scratch,
  sent,
  upstream,
  wanted,
  whole,
} from '../../support/volume-harness.ts';

const GIVEN_UP = new Refusal('slow', 'It comes too slowly.', { transient: true });
/** As long as a failure is answered from memory. */
const LATER = 10_000;

/** A store whose clock the test moves past the back-off. */
async function startStore(options: StoreOptions = {}) {
  const clock = { now: Date.now() };
  return { clock, store: await openStore({ nowMs: () => clock.now, maxOrphans: 0, ...options }) };
}

/** Downloads `length` bytes in all, over as many connections as are tried, and is given up. */
async function giveUpAfter(store: Store, bytes: Uint8Array, length: number): Promise<void> {
  const source = upstream(cut(bytes, length - 20, GIVEN_UP), cut(bytes, 10, GIVEN_UP), cut(bytes, 10, GIVEN_UP));
  expect((await refusalOf(store.blobs.fetch(wanted(bytes), source.download, client()))).reason).toBe('slow');
}

const partials = (store: Store) => filesBelow(join(store.data, 'blobs', 'partial'));
const partialOf = async (store: Store) => join(store.data, 'blobs', 'partial', (await partials(store))[0] ?? 'none');

async function goesOnAt(store: Store, bytes: Uint8Array, ...offsets: readonly number[]): Promise<void> {
  const source = upstream(whole(bytes));
  const blob = await store.blobs.fetch(wanted(bytes), source.download, client());
  expect(source.requests.map(({ offset }) => offset)).toEqual(offsets);
  expect((await sent(blob)).equals(bytes)).toBe(true);
  expect(await partials(store)).toEqual([]);
  expect(await filesBelow(join(store.data, 'tmp'))).toEqual([]);
}

describe('a download that was given up', () => {
  it.each([100_000, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 77_777])(
    'after %i bytes goes on from there when it is asked for again',
    async (length) => {
      const bytes = content(3 * MIB + 5);
      const { clock, store } = await startStore();
      await giveUpAfter(store, bytes, length);
      expect(store.blobs.usage().partials).toEqual({ count: 1, bytes: length });
      clock.now += LATER;
      await goesOnAt(store, bytes, length);
      expect(store.blobs.usage().partials).toEqual({ count: 0, bytes: 0 });
      expect((await store.volume.ops.facts(store.pathOf(bytes)))?.mode).toBe(0o100444);
    },
  );

  it('goes on after a restart, by every digest it was listed with', async () => {
    const bytes = content(2 * MIB);
    const expected = makeExpected({ digests: await digestsOf(bytes, ['blake2b-256', 'sha512']) });
    const { store } = await startStore();
    const first = upstream(cut(bytes, MIB + 9, GIVEN_UP), cut(bytes, 0, GIVEN_UP), cut(bytes, 0, GIVEN_UP));
    await refusalOf(store.blobs.fetch(wanted(bytes, { expected }), first.download, client()));
    const again = await reopen(store);
    const source = upstream(whole(bytes));
    const blob = await again.blobs.fetch(wanted(bytes, { expected }), source.download, client());
    expect(source.requests.map(({ offset }) => offset)).toEqual([MIB + 9]);
    expect((await sent(blob)).equals(bytes)).toBe(true);
  });

  it('goes on a little further each time, whoever asks', async () => {
    const bytes = content(MIB);
    const { clock, store } = await startStore();
    for (const length of [200_000, 400_000, 600_000]) {
      const source = upstream(cut(bytes, 200_000, GIVEN_UP), cut(bytes, 0, GIVEN_UP), cut(bytes, 0, GIVEN_UP));
      await refusalOf(store.blobs.fetch(wanted(bytes), source.download, client({ party: `client ${length}` })));
      expect(source.requests[0]?.offset).toBe(length - 200_000);
      clock.now += LATER;
    }
    await goesOnAt(store, bytes, 600_000);
  });

  it('because everybody left goes on for who comes back at once', async () => {
    const bytes = content(4 * MIB);
    const { store } = await startStore();
    const { answer, begun } = held(bytes);
    const leaving = leavingClient();
    const left = store.blobs.fetch(wanted(bytes), upstream(answer).download, leaving.caller);
    await begun;
    leaving.leave();
    await expect(left).rejects.toThrow('left');
    await goesOnAt(store, bytes, 2 * MIB);
  });

  it('because the mirror stops goes on when it starts', async () => {
    const bytes = content(4 * MIB);
    const { store } = await startStore();
    const { answer, begun } = held(bytes);
    const stopped = refusalOf(store.blobs.fetch(wanted(bytes), upstream(answer).download, client()));
    await begun;
    const again = await reopen(store);
    expect((await stopped).reason).toBe('state');
    await goesOnAt(again, bytes, 2 * MIB);
  });

  it('because the process was killed goes on with what was written, up to a chunk less', async () => {
    const bytes = content(4 * MIB);
    const { store } = await startStore();
    const { answer, begun } = held(bytes);
    const lost = refusalOf(store.blobs.fetch(wanted(bytes), upstream(answer).download, client()));
    await begun;
    await expect.poll(() => filesBelow(join(store.data, 'tmp')), { interval: 5 }).toHaveLength(1);
    const data = join(await scratch(), 'data');
    await cp(store.data, data, { recursive: true });
    // Its process is no more: what names it is another boot, long ago.
    const [owner] = await readdir(join(data, 'tmp'));
    const tmp = join(data, 'tmp', 'aaaaaaaaaaaa-1-1-1-00000000');
    await cp(join(data, 'tmp', owner ?? ''), tmp, { recursive: true });
    for (const name of await readdir(tmp)) await utimes(join(tmp, name), 1, 1);
    await utimes(tmp, 1, 1);
    const again = await openStore({ data });
    const source = upstream(whole(bytes));
    const blob = await again.blobs.fetch(wanted(bytes), source.download, client());
    expect(source.requests.map(({ offset }) => offset)).toEqual([2 * MIB]);
    expect((await sent(blob)).equals(bytes)).toBe(true);
    await store.close();
    await lost;
  });

  it('with all its bytes is proved without asking for any', async () => {
    const bytes = content(MIB + 3);
    const { store } = await startStore();
    await giveUpAfter(store, bytes, MIB);
    const path = await partialOf(store);
    await store.volume.ops.removeTree(path);
    await writeFile(path, bytes);
    const again = await reopen(store);
    await goesOnAt(again, bytes);
  });
});

describe('what was kept and is not the beginning of the whole', () => {
  it('is forgotten once the whole proves wrong, and costs none of the attempts', async () => {
    const bytes = content(2 * MIB);
    const { store } = await startStore();
    await giveUpAfter(store, bytes, MIB + 100);
    const path = await partialOf(store);
    const kept = await readFile(path);
    kept[5] = (kept[5] ?? 0) ^ 1;
    await store.volume.ops.removeTree(path);
    await writeFile(path, kept, { mode: 0o444 });
    const again = await reopen(store);
    // Joined wrongly, broken off twice, and whole at last.
    const source = upstream(whole(bytes), cut(bytes, 10, GIVEN_UP), cut(bytes, 10, GIVEN_UP), whole(bytes));
    const blob = await again.blobs.fetch(wanted(bytes), source.download, client());
    expect(source.requests.map(({ offset }) => offset)).toEqual([MIB + 100, 0, 10, 20]);
    expect((await sent(blob)).equals(bytes)).toBe(true);
  });

  it('or is longer than the whole is begun anew, and leaves no byte behind', async () => {
    const bytes = content(MIB);
    const { store } = await startStore();
    await giveUpAfter(store, bytes, 500_000);
    const path = await partialOf(store);
    await store.volume.ops.removeTree(path);
    await writeFile(path, content(MIB + 1));
    const again = await reopen(store);
    await goesOnAt(again, bytes, 0);
    expect((await again.volume.ops.facts(again.pathOf(bytes)))?.size).toBe(MIB);
  });

  it('is given up for an upstream that begins at the start', async () => {
    const bytes = content(MIB + 50);
    const { clock, store } = await startStore();
    await giveUpAfter(store, bytes, 500_000);
    clock.now += LATER;
    const source = upstream(() => ({ start: 0, bytes: whole(bytes)({ ...first, offset: 0 }).bytes }));
    const blob = await store.blobs.fetch(wanted(bytes), source.download, client());
    expect(source.requests).toHaveLength(1);
    expect((await sent(blob)).equals(bytes)).toBe(true);
  });

  it('of another place, or another statement, is not gone on with', async () => {
    const bytes = content(MIB);
    const { clock, store } = await startStore();
    await giveUpAfter(store, bytes, 500_000);
    clock.now += LATER;
    const source = upstream(whole(bytes));
    await store.blobs.fetch(wanted(bytes, { origin: 'other https://upstream.invalid/f' }), source.download, client());
    expect(source.requests.map(({ offset }) => offset)).toEqual([0]);
  });
});

const first = { offset: 0, limit: 64 * MIB, attempt: 1, caller: client() };

describe('what is kept is bounded', () => {
  it('nothing of what is small, proved wrong, or too large for where it was expected', async () => {
    const { store } = await startStore();
    const small = content(MIB);
    await giveUpAfter(store, small, 60_000);
    const bytes = content(MIB);
    const wrong = upstream(whole(content(MIB)));
    expect((await refusalOf(store.blobs.fetch(wanted(bytes), wrong.download, client()))).reason).toBe('digest');
    const long = upstream(whole(content(2 * MIB)));
    expect((await refusalOf(store.blobs.fetch(wanted(bytes, { origin: 'x' }), long.download, client()))).reason).toBe(
      'length',
    );
    expect(await partials(store)).toEqual([]);
    expect(await filesBelow(join(store.data, 'tmp'))).toEqual([]);
  });

  it('in bytes: the oldest leave', async () => {
    const { store } = await startStore({ maxBytes: 4 * MIB });
    const files = [content(MIB), content(MIB), content(MIB)] as const;
    await giveUpAfter(store, files[0], 400_000);
    const minuteAgo = Date.now() / 1000 - 60;
    await utimes(await partialOf(store), minuteAgo, minuteAgo);
    await giveUpAfter(store, files[1], 400_000);
    await giveUpAfter(store, files[2], 400_000);
    await expect.poll(() => partials(store), { interval: 5 }).toHaveLength(2);
    const again = await reopen(store, { maxBytes: 4 * MIB });
    await goesOnAtFirst(again, files[0], 0);
    await goesOnAtFirst(again, files[2], 400_000);
  });

  it('in age', async () => {
    const bytes = content(MIB);
    const { store } = await startStore();
    await giveUpAfter(store, bytes, 400_000);
    const again = await reopen(store, { nowMs: () => Date.now() + 8 * 24 * 3600 * 1000 });
    await expect.poll(() => partials(again), { interval: 5 }).toEqual([]);
  });

  it('and leaves where the disk is full', async () => {
    const bytes = content(MIB);
    let full = false;
    const ops = faultyOps({
      before({ kind }) {
        if (full && kind === 'write') throw systemError('ENOSPC');
      },
    });
    const { store } = await startStore({ ops });
    await giveUpAfter(store, bytes, 400_000);
    expect(await partials(store)).toHaveLength(1);
    full = true;
    const other = content(2 * MIB);
    await refusalOf(store.blobs.fetch(wanted(other), upstream(whole(other)).download, client()));
    expect(await partials(store)).toEqual([]);
  });

  it('and is no trouble where the disk does not take it', async () => {
    const bytes = content(MIB);
    let broken = false;
    const ops = faultyOps({
      before({ kind, path }) {
        if (broken && kind === 'rename' && path.includes('partial')) throw systemError('EIO');
      },
    });
    const { clock, store } = await startStore({ ops });
    broken = true;
    await giveUpAfter(store, bytes, 400_000);
    expect(await filesBelow(join(store.data, 'tmp'))).toEqual([]);
    clock.now += LATER;
    await goesOnAt(store, bytes, 0);
  });
});

async function goesOnAtFirst(store: Store, bytes: Uint8Array, offset: number): Promise<void> {
  const source = upstream(whole(bytes));
  await store.blobs.fetch(wanted(bytes), source.download, client());
  expect(source.requests[0]?.offset).toBe(offset);
}

it('the bytes of a file that another download proved meanwhile are not kept', async () => {
  const bytes = content(2 * MIB);
  const { store } = await startStore();
  const { answer, begun } = held(bytes);
  const slow = store.blobs.fetch(wanted(bytes), upstream(answer).download, client());
  await begun;
  await store.blobs.fetch(wanted(bytes, { origin: 'faster' }), upstream(whole(bytes)).download, client());
  expect((await slow).size).toBe(bytes.byteLength);
  await store.close();
  expect(await partials(store)).toEqual([]);
});
