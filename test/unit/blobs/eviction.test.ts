import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compose } from '../../../src/app/compose.ts';
import * as LIMITS from '../../../src/blobs/limits.ts';
import type { Segment } from '../../../src/blobs/shelf.ts';
import { UsageOrder } from '../../../src/blobs/usage-order.ts';
import { makeExpected } from '../../../src/bytes/expected.ts';
import { client } from '../../support/callers.ts';
import { faultyOps, systemError } from '../../support/faults.ts';
import {
  content,
  expectedOf,
  filesBelow,
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

const SIZE = 100_000;

async function put(store: Store, bytes: Buffer, times = 1): Promise<void> {
  await store.blobs.fetch(wanted(bytes, { origin: sha256(bytes) }), upstream(whole(bytes)).download, client());
  for (let more = 1; more < times; more++) await store.blobs.open(expectedOf(bytes));
}

const isStored = (store: Store, bytes: Buffer) => store.blobs.stored(expectedOf(bytes));

/** Eviction runs behind a fill: waits until the limit holds and the disk agrees with the record. */
async function settled(store: Store): Promise<void> {
  await expect.poll(() => store.blobs.usage().bytes <= store.blobs.usage().limit, { interval: 1 }).toBe(true);
  await expect
    .poll(async () => (await filesBelow(`${store.data}/blobs/sha256`)).length, { interval: 1 })
    .toBe(store.blobs.usage().blobs);
}

it.each(['two\nlines', 'a tab\tin it', '', 'x'.repeat(LIMITS.KEPT_BY_LENGTH + 1)])(
  'why a file is kept is said in one short line, and not as %o',
  async (by) => {
    const store = await openStore();
    const bytes = content(SIZE);
    await put(store, bytes);
    await expect(store.blobs.keep(sha256(bytes), by)).rejects.toThrow(RangeError);
    expect(await store.blobs.keep(sha256(bytes), 'x'.repeat(LIMITS.KEPT_BY_LENGTH))).toBe(true);
  },
);

describe('the budget of an index', () => {
  const used = (index: string, count: number) => {
    const files = Array.from({ length: count }, () => content(SIZE));
    return {
      files,
      put: async (store: Store) => {
        for (const bytes of files) {
          const blobs = store.blobs.of(index);
          await blobs.fetch(
            wanted(bytes, { origin: sha256(bytes) }),
            upstream(whole(bytes)).download,
            client({ index }),
          );
          await blobs.open(expectedOf(bytes));
        }
      },
    };
  };
  const stored = async (store: Store, files: readonly Buffer[]) =>
    (await Promise.all(files.map((bytes) => isStored(store, bytes)))).filter((is) => is).length;
  const two = (most?: number) =>
    new Map([
      ['main', undefined],
      ['other', most],
    ]);

  it('is its own: a flood of another index evicts nothing of it', async () => {
    const store = await openStore({ maxBytes: 10 * SIZE, indexes: two() });
    const [own, flood] = [used('main', 5), used('other', 30)];
    await own.put(store);
    await flood.put(store);
    await settled(store);
    expect([await stored(store, own.files), await stored(store, flood.files)]).toEqual([5, 5]);
    expect(store.blobs.held()).toEqual(
      new Map([
        ['main', 5 * SIZE],
        ['other', 5 * SIZE],
      ]),
    );
  });

  it('may be exceeded while there is room, unless the operator set one', async () => {
    const roomy = await openStore({ maxBytes: 10 * SIZE, indexes: two() });
    const all = used('other', 9);
    await all.put(roomy);
    await settled(roomy);
    expect(await stored(roomy, all.files)).toBe(9);
    const limited = await openStore({ maxBytes: 10 * SIZE, indexes: two(3 * SIZE) });
    await all.put(limited);
    await expect.poll(() => limited.blobs.held().get('other'), { interval: 1 }).toBe(3 * SIZE);
  });

  it('outlasts a restart', async () => {
    const before = await openStore({ maxBytes: 10 * SIZE, indexes: two() });
    const [own, flood] = [used('main', 5), used('other', 30)];
    await own.put(before);
    await before.blobs.scanned;
    const store = await reopen(before, { maxBytes: 10 * SIZE, indexes: two() });
    await store.blobs.scanned;
    expect(store.blobs.held().get('main')).toBe(5 * SIZE);
    await flood.put(store);
    await settled(store);
    expect(await stored(store, own.files)).toBe(5);
  });

  it('is not known of what an earlier program stored: that makes room first, unless it is used again', async () => {
    const before = await openStore({ maxBytes: 10 * SIZE });
    const old = [content(SIZE), content(SIZE), content(SIZE)] as const;
    for (const bytes of old) await put(before, bytes, 2);
    await before.blobs.scanned;
    const store = await reopen(before, { maxBytes: 4 * SIZE, indexes: two() });
    await store.blobs.scanned;
    await store.blobs.of('main').open(expectedOf(old[0]));
    await used('other', 3).put(store);
    await settled(store);
    expect(await Promise.all(old.map((bytes) => isStored(store, bytes)))).toEqual([true, false, false]);
  });
});

describe('the size limit', () => {
  it('evicts what was least recently used', async () => {
    const store = await openStore({ maxBytes: 3 * SIZE });
    const [a, b, c, d] = [content(SIZE), content(SIZE), content(SIZE), content(SIZE)];
    for (const bytes of [a, b, c]) await put(store, bytes, 2);
    await store.blobs.open(expectedOf(a));
    await put(store, d);
    await settled(store);
    expect(await Promise.all([a, b, c, d].map((bytes) => isStored(store, bytes)))).toEqual([true, false, true, true]);
  });

  it('a crawl of files used once evicts itself, not what is used', async () => {
    const store = await openStore({ maxBytes: 10 * SIZE });
    const used = Array.from({ length: 8 }, () => content(SIZE));
    for (const bytes of used) await put(store, bytes, 2);
    for (let n = 0; n < 20; n++) await put(store, content(SIZE));
    await settled(store);
    expect(await Promise.all(used.map((bytes) => isStored(store, bytes)))).toEqual(used.map(() => true));
  });

  it('what was just filled stays for those who wait for it, however large', async () => {
    const store = await openStore({ maxBytes: 3 * SIZE });
    for (let n = 0; n < 3; n++) await put(store, content(SIZE), 2);
    const large = content(3 * SIZE);
    await put(store, large);
    await settled(store);
    expect(await isStored(store, large)).toBe(true);
  });

  it('a file whose length nobody stated may not grow past it on disk; one of stated length may', async () => {
    const written: number[] = [];
    const ops = faultyOps({});
    const openNew: typeof ops.openNew = async (path, mode) => {
      const file = await ops.openNew(path, mode);
      return {
        ...file,
        write: (bytes, position) => {
          written.push(position + bytes.byteLength);
          return file.write(bytes, position);
        },
      };
    };
    const store = await openStore({ maxBytes: 2 * MIB, ops: { ...ops, openNew } });
    const large = content(4 * MIB);
    const { digests } = expectedOf(large);
    const source = upstream(whole(large));
    expect(
      await refusalOf(
        store.blobs.fetch(wanted(large, { expected: makeExpected({ digests }) }), source.download, client()),
      ),
    ).toMatchObject({
      reason: 'limit',
    });
    expect(source.requests.map(({ limit }) => limit)).toEqual([2 * MIB]);
    expect(Math.max(...written)).toBeLessThanOrEqual(2 * MIB);
    expect(await filesBelow(`${store.data}/tmp`)).toEqual([]);
    await put(store, large);
    expect(await isStored(store, large)).toBe(true);
  });

  it('what is being sent is not evicted', async () => {
    const store = await openStore({ maxBytes: 3 * MIB });
    const bytes = content(2 * MIB + 1);
    await put(store, bytes);
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    const parts: Buffer[] = [];
    await blob.send(
      { start: 0, end: blob.size },
      async (chunk) => {
        if (parts.length === 0) for (let n = 0; n < 4; n++) await put(store, content(MIB));
        parts.push(Buffer.from(chunk));
      },
      client(),
    );
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(await isStored(store, bytes)).toBe(true);
    await put(store, content(MIB));
    await put(store, content(MIB));
    await settled(store);
    expect(await isStored(store, bytes)).toBe(false);
  });

  it('what is marked keep stays, also after a restart; until it is no longer marked', async () => {
    const before = await openStore({ maxBytes: 3 * SIZE });
    const kept = content(SIZE);
    await put(before, kept);
    expect(await before.blobs.keep(sha256(kept), 'sync')).toBe(true);
    expect(await before.blobs.keep('0'.repeat(64), 'sync')).toBe(false);
    const store = await reopen(before, { maxBytes: 3 * SIZE });
    await store.blobs.scanned;
    for (let n = 0; n < 6; n++) await put(store, content(SIZE), 2);
    await settled(store);
    expect(await isStored(store, kept)).toBe(true);
    await store.blobs.keep(sha256(kept), undefined);
    for (let n = 0; n < 6; n++) await put(store, content(SIZE), 2);
    await settled(store);
    expect(await isStored(store, kept)).toBe(false);
  });

  it.each([
    ['a command beside the server removes nothing', undefined, true],
    ['the server removes what is past its limit', true, false],
  ])('%s, though its limit is smaller', async (_, upkeep, stays) => {
    const server = await openStore();
    const used = content(SIZE);
    await put(server, used);
    const composition = await compose({
      config: {
        server: {
          host: '127.0.0.1',
          port: 0,
          publicUrl: undefined,
          maxConnections: 1,
          grace: 30,
          trustedProxies: [],
          tls: undefined,
          auth: undefined,
        },
        data: server.data,
        allowFuse: false,
        offline: false,
        cache: { maxBytes: SIZE / 2, memoryBytes: MIB },
        limits: { fills: 32, upstreamConnections: 32 },
        log: { level: 'error', format: 'json' },
        referenceTime: undefined,
        indexes: {},
      },
      emit: () => undefined,
      upkeep,
    });
    onTestFinished(() => composition.close());
    await composition.blobs.scanned;
    expect(composition.blobs.usage().scanned).toBe(true);
    const more = content(SIZE);
    await composition.blobs.fetch(wanted(more, { origin: 'more' }), upstream(whole(more)).download, client());
    await composition.close();
    expect((await filesBelow(`${server.data}/blobs/sha256`)).length).toBe(stays ? 2 : 1);
    expect(existsSync(server.pathOf(used))).toBe(stays);
  });

  it('a scan that could not see everything costs no marks', async () => {
    const before = await openStore({ maxBytes: 3 * SIZE });
    const kept = content(SIZE);
    await put(before, kept);
    await before.blobs.scanned;
    await before.blobs.keep(sha256(kept), 'sync');
    const blind = faultyOps({
      before: ({ kind, path }) => {
        if (kind === 'list' && path.includes('sha256')) throw systemError('EIO');
      },
    });
    const half = await reopen(before, { maxBytes: 3 * SIZE, ops: blind });
    await half.blobs.scanned;
    expect(half.blobs.usage().scanned).toBe(false);
    await half.blobs.open(expectedOf(kept));
    const store = await reopen(half, { maxBytes: 3 * SIZE });
    await store.blobs.scanned;
    expect(store.blobs.usage().keptBytes).toBe(SIZE);
  });

  it('the aliases of what was evicted lead nowhere, and that is a miss', async () => {
    const store = await openStore({ maxBytes: SIZE });
    const bytes = content(SIZE);
    const expected = makeExpected({ digests: new Map([['sha512', createHash('sha512').update(bytes).digest('hex')]]) });
    await store.blobs.fetch(wanted(bytes, { expected }), upstream(whole(bytes)).download, client());
    await put(store, content(SIZE));
    await settled(store);
    expect(await store.blobs.stored(expected)).toBe(false);
    expect(await store.blobs.open(expected)).toBeUndefined();
    const later = await reopen(store, { maxBytes: SIZE });
    await later.blobs.scanned;
    expect(await filesBelow(`${store.data}/blobs/by`)).toEqual([]);
  });

  it('a restart counts what is on disk, and goes by its own record whatever the file times say', async () => {
    const before = await openStore({ maxBytes: 10 * SIZE });
    const [a, b, c] = [content(SIZE), content(SIZE), content(SIZE)];
    for (const bytes of [a, b, c]) await put(before, bytes, 2);
    await before.blobs.open(expectedOf(a));
    await before.close();
    await utimes(before.pathOf(a), 1, 1);
    const store = await reopen(before, { maxBytes: 2 * SIZE });
    await store.blobs.scanned;
    await settled(store);
    expect(await Promise.all([a, b, c].map((bytes) => isStored(store, bytes)))).toEqual([true, false, true]);
  });

  it('a blob that cannot be read between open and send is a transient refusal', async () => {
    const store = await openStore({ openIdle: 0, freshBytes: 0 });
    const bytes = content(SIZE);
    await put(store, bytes);
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    await store.volume.ops.unlink(store.pathOf(bytes));
    expect(await refusalOf(sent(blob))).toMatchObject({ reason: 'state', transient: true });
  });
});

it('a FIFO in the place of an alias is no hint, and nobody waits for it', async () => {
  const before = await openStore();
  const bytes = content(SIZE);
  const expected = makeExpected({ digests: new Map([['sha512', createHash('sha512').update(bytes).digest('hex')]]) });
  await before.blobs.fetch(wanted(bytes, { expected }), upstream(whole(bytes)).download, client());
  expect(await before.blobs.stored(expected)).toBe(true);
  const store = await reopen(before);
  await store.blobs.scanned;
  const [alias = ''] = await filesBelow(`${store.data}/blobs/by`);
  await store.volume.ops.unlink(`${store.data}/blobs/by/${alias}`);
  execFileSync('mkfifo', [`${store.data}/blobs/by/${alias}`]);
  expect(await store.blobs.stored(expected)).toBe(false);
  expect(await store.blobs.open(expected)).toBeUndefined();
  // An alias that leads to another blob is only a hint: what it leads to is proved.
  const other = content(SIZE);
  await put(store, other);
  await store.volume.ops.unlink(`${store.data}/blobs/by/${alias}`);
  await writeFile(`${store.data}/blobs/by/${alias}`, sha256(other));
  expect(await store.blobs.open(expected)).toBeUndefined();
  expect(store.corrupt).toEqual([]);
  const again = upstream(whole(bytes));
  await store.blobs.fetch(wanted(bytes, { expected }), again.download, client());
  expect((await store.blobs.open(expected))?.sha256).toBe(sha256(bytes));
});

describe('the order of use', () => {
  const none = () => false;
  const found = (sha256: string, segment: Segment, keptBy?: string) => ({
    sha256,
    segment,
    keptBy,
    index: undefined,
  });

  it('what was found by the scan is older than what was used since', () => {
    const order = new UsageOrder({ maxBytes: 2, probationShare: 0.1 });
    order.used('live', 1, undefined);
    order.used('live', 1, undefined);
    order.found(found('old', 'main'), 1);
    order.found(found('older', 'main'), 1);
    expect(order.victim(none)?.sha256).toBe('old');
  });

  it('a blob used before the scan comes by keeps the segment it had', () => {
    const order = new UsageOrder({ maxBytes: 1, probationShare: 0.1 });
    order.used('kept', 1, undefined);
    order.found(found('kept', 'kept', 'sync'), 1);
    order.used('other', 1, undefined);
    expect(order.victim(none)?.sha256).toBe('other');
    order.removed('other');
    expect(order.usage()).toEqual({ blobs: 1, bytes: 1, keptBytes: 1, limit: 1 });
    expect(order.victim(none, 1)).toBeUndefined();
    expect([...order.entries()]).toEqual([found('kept', 'kept', 'sync')]);
  });

  it('counts each blob once, however often it is added, used or found', () => {
    const order = new UsageOrder({ maxBytes: 100, probationShare: 0.1 });
    order.added('a', 7, undefined);
    order.added('a', 7, undefined);
    order.used('a', 7, undefined);
    order.found(found('a', 'main'), 7);
    order.keep('a', 'sync');
    expect(order.usage().bytes).toBe(7);
    order.removed('a');
    expect(order.usage().bytes).toBe(0);
  });
});
