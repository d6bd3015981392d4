import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BlobStorage, StoredFacts } from '../../src/ports/blob-storage.ts';

/** Blobs and those who use them. Whoever makes it cleans up after the test. */
export interface BlobStorageRig {
  readonly storage: BlobStorage;
  /** Another party on the same blobs, as another process would be. */
  another(): Promise<BlobStorage>;
  /** Ends every party there was, by a power cut; begins again from what lies there. */
  afterPowerCut(): Promise<BlobStorage>;
  /** Flips a bit of what is stored, behind everybody's back. */
  change(sha256: string): Promise<void>;
  /** Puts something that is no blob in its place. */
  break(sha256: string): Promise<void>;
  /** No byte more can be written, or it can again. */
  setFull(full: boolean): void;
}

export interface BlobStorageCase {
  readonly name: string;
  run(rig: BlobStorageRig): Promise<void>;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const WHOLE = { start: 0, end: Number.MAX_SAFE_INTEGER };

async function put(storage: BlobStorage, bytes: Uint8Array): Promise<string> {
  const writer = await storage.begin();
  await writer.write(bytes, 0);
  const sha256 = sha256Of(bytes);
  await writer.commit(sha256);
  await writer.discard();
  return sha256;
}

async function read(storage: BlobStorage, sha256: string, range = WHOLE): Promise<Buffer | undefined> {
  const blob = await storage.open(sha256, range);
  if (blob === undefined) return undefined;
  try {
    const start = Math.min(range.start, blob.size);
    const into = Buffer.alloc(Math.min(range.end, blob.size) - start);
    return into.subarray(0, await blob.read(into, start));
  } finally {
    await blob.close();
  }
}

/** Another party sees what was committed a moment later. */
async function seen(party: BlobStorage, ...blobs: readonly string[]): Promise<void> {
  for (const sha256 of blobs) await expect.poll(() => party.stat(sha256), { interval: 1 }).toBeDefined();
}

async function listed(storage: BlobStorage): Promise<ReadonlyMap<string, number | undefined>> {
  const found = new Map<string, number | undefined>();
  for await (const { sha256, size } of storage.list()) {
    expect(found.has(sha256)).toBe(false);
    found.set(sha256, size);
  }
  return found;
}

const damaged = { name: 'StorageError', kind: 'damaged' };

const writing: readonly BlobStorageCase[] = [
  {
    name: 'what was never committed is not there, not even while it is written',
    async run({ storage, another }) {
      const bytes = bytesOf('half of it');
      const sha256 = sha256Of(bytes);
      const writer = await storage.begin();
      await writer.write(bytes.subarray(0, 4), 0);
      for (const party of [storage, await another()]) {
        expect(await party.stat(sha256)).toBeUndefined();
        expect(await party.open(sha256, WHOLE)).toBeUndefined();
        expect(await listed(party)).toEqual(new Map());
      }
      await writer.write(bytes.subarray(4), 4);
      await writer.commit(sha256);
      expect(await read(storage, sha256)).toEqual(Buffer.from(bytes));
    },
  },
  {
    name: 'what was committed is read at once, and by others soon, byte for byte',
    async run({ storage, another }) {
      for (const bytes of [bytesOf('text'), new Uint8Array(), new Uint8Array(3_000_000).map((_, at) => at % 251)]) {
        const sha256 = await put(storage, bytes);
        for (const party of [storage, await another()]) {
          if (party !== storage) await seen(party, sha256);
          expect((await party.stat(sha256))?.size).toBe(bytes.byteLength);
          expect((await party.stat(sha256, bytes.byteLength))?.size).toBe(bytes.byteLength);
          const blob = await party.open(sha256, WHOLE);
          expect(blob?.size).toBe(bytes.byteLength);
          await blob?.close();
          expect((await read(party, sha256))?.equals(bytes)).toBe(true);
        }
      }
    },
  },
  {
    name: 'what was discarded leaves nothing',
    async run({ storage, another }) {
      const writer = await storage.begin();
      await writer.write(bytesOf('unwanted'), 0);
      await writer.discard();
      await writer.discard();
      expect(await listed(await another())).toEqual(new Map());
    },
  },
  {
    name: 'discarding after the commit takes nothing away',
    async run({ storage }) {
      const bytes = bytesOf('wanted');
      const writer = await storage.begin();
      await writer.write(bytes, 0);
      await writer.commit(sha256Of(bytes));
      await writer.discard();
      expect(await read(storage, sha256Of(bytes))).toEqual(Buffer.from(bytes));
    },
  },
  {
    name: 'a restart forgets all that was written before it',
    async run({ storage }) {
      const writer = await storage.begin();
      await writer.write(bytesOf('a long beginning'), 0);
      await writer.restart();
      await writer.write(bytesOf('short'), 0);
      const facts = await writer.commit(sha256Of(bytesOf('short')));
      expect(facts.size).toBe(5);
      expect(await read(storage, sha256Of(bytesOf('short')))).toEqual(Buffer.from('short'));
    },
  },
  {
    name: 'a buffer is its owner’s again once it was written',
    async run({ storage }) {
      const buffer = Buffer.from('first');
      const writer = await storage.begin();
      await writer.write(buffer, 0);
      buffer.write('other');
      await writer.commit(sha256Of(bytesOf('first')));
      expect(await read(storage, sha256Of(bytesOf('first')))).toEqual(Buffer.from('first'));
    },
  },
  {
    name: 'two commits of one blob are one blob, and whoever reads the first goes on',
    async run({ storage, another }) {
      const bytes = bytesOf('twice');
      const sha256 = await put(storage, bytes);
      const reading = await storage.open(sha256, WHOLE);
      const other = await another();
      await put(other, bytes);
      await seen(other, sha256);
      const into = Buffer.alloc(5);
      expect(await reading?.read(into, 0)).toBe(5);
      await reading?.close();
      expect(into.toString()).toBe('twice');
      expect(await listed(storage)).toEqual(new Map([[sha256, 5]]));
      expect(await read(storage, sha256)).toEqual(Buffer.from(bytes));
    },
  },
  {
    name: 'many written at once do not meet',
    async run({ storage, another }) {
      const parties = [storage, await another()];
      const texts = Array.from({ length: 60 }, (_, at) => `blob ${at} ${'x'.repeat(at * 100)}`);
      await Promise.all(texts.map(async (text, at) => put(parties[at % 2] ?? storage, bytesOf(text))));
      await seen(storage, ...texts.map((text) => sha256Of(bytesOf(text))));
      for (const text of texts) expect((await read(storage, sha256Of(bytesOf(text))))?.toString()).toBe(text);
      expect((await listed(storage)).size).toBe(60);
    },
  },
  {
    name: 'where there is no room that is said, nothing is left, and it works again once there is',
    async run({ storage, setFull }) {
      const there = await put(storage, bytesOf('there'));
      const large = new Uint8Array(200_000).fill(7);
      const writer = await storage.begin();
      setFull(true);
      const writing = writer.write(large, 0).then(() => writer.commit(sha256Of(large)));
      await expect(writing).rejects.toMatchObject({ name: 'StorageError', kind: 'full' });
      await writer.discard();
      expect([...(await listed(storage)).keys()]).toEqual([there]);
      expect(await read(storage, there)).toEqual(Buffer.from('there'));
      setFull(false);
      expect((await read(storage, await put(storage, large)))?.equals(large)).toBe(true);
    },
  },
];

const lasting: readonly BlobStorageCase[] = [
  {
    name: 'what was synced outlasts a power cut, whole',
    async run({ storage, afterPowerCut }) {
      const synced = [new Uint8Array(100_000).fill(7), bytesOf('small')];
      for (const bytes of synced) await storage.sync(await put(storage, bytes));
      const after = await afterPowerCut();
      for (const bytes of synced) {
        expect((await read(after, sha256Of(bytes)))?.equals(bytes)).toBe(true);
        await after.sync(sha256Of(bytes));
      }
    },
  },
  {
    name: 'many synced at once all outlast a power cut, and one that is not there fails alone',
    async run({ storage, afterPowerCut }) {
      const all = [new Uint8Array(100_000).fill(7), ...Array.from({ length: 30 }, (_, at) => bytesOf(`small ${at}`))];
      const nothing = sha256Of(bytesOf('nothing'));
      const syncing = all.map(async (bytes) => storage.sync(await put(storage, bytes)));
      const [missing] = await Promise.allSettled([storage.sync(nothing), ...syncing]);
      expect(missing).toMatchObject({ status: 'rejected', reason: { name: 'StorageError' } });
      await Promise.all(syncing);
      const after = await afterPowerCut();
      for (const bytes of all) expect((await read(after, sha256Of(bytes)))?.equals(bytes)).toBe(true);
    },
  },
  {
    name: 'syncing what is not there is an error',
    async run({ storage }) {
      await expect(storage.sync(sha256Of(bytesOf('nothing')))).rejects.toMatchObject({ name: 'StorageError' });
    },
  },
];

const reading: readonly BlobStorageCase[] = [
  {
    name: 'any range can be read, and what is beyond the end is not there',
    async run({ storage }) {
      const bytes = new Uint8Array(100_000).map((_, at) => at % 241);
      const sha256 = await put(storage, bytes);
      for (const [start, end] of [
        [0, 1],
        [99_999, 100_000],
        [4096, 8193],
        [0, 100_000],
      ] as const)
        expect((await read(storage, sha256, { start, end }))?.equals(bytes.subarray(start, end))).toBe(true);
      const blob = await storage.open(sha256, { start: 0, end: 10 });
      const into = Buffer.alloc(20);
      expect(await blob?.read(into, 99_990)).toBe(10);
      expect(into.subarray(0, 10).equals(bytes.subarray(99_990))).toBe(true);
      expect(await blob?.read(into, 100_000)).toBe(0);
      expect(await blob?.read(into, 200_000)).toBe(0);
      // A range is a hint of what will be read, not a limit.
      expect(await blob?.read(into, 50_000)).toBe(20);
      expect(into.equals(bytes.subarray(50_000, 50_020))).toBe(true);
      await blob?.close();
    },
  },
  {
    name: 'many read one blob at once, each what it asked for',
    async run({ storage }) {
      const bytes = new Uint8Array(50_000).map((_, at) => at % 239);
      const sha256 = await put(storage, bytes);
      await Promise.all(
        Array.from({ length: 40 }, async (_, at) => {
          const range = { start: at * 1000, end: at * 1000 + 1500 };
          const expected = Buffer.from(bytes.subarray(range.start, range.end));
          expect((await read(storage, sha256, range))?.equals(expected)).toBe(true);
        }),
      );
    },
  },
  {
    name: 'a version stays while nothing happens, and is another one once other bytes lie there',
    async run({ storage, another, change }) {
      const writer = await storage.begin();
      await writer.write(bytesOf('steady'), 0);
      const sha256 = sha256Of(bytesOf('steady'));
      const committed: StoredFacts = await writer.commit(sha256);
      const other = await another();
      await seen(other, sha256);
      for (const party of [storage, other, storage]) {
        expect((await party.stat(sha256))?.version).toBe(committed.version);
        const blob = await party.open(sha256, WHOLE);
        expect(blob?.version).toBe(committed.version);
        await blob?.close();
      }
      await change(sha256);
      for (const party of [storage, other]) expect((await party.stat(sha256))?.version).not.toBe(committed.version);
      expect(await read(storage, sha256)).not.toEqual(Buffer.from('steady'));
    },
  },
  {
    name: 'what is there is listed, each once, with its size',
    async run({ storage, another }) {
      const sizes = new Map<string, number>();
      for (const size of [...Array(40).keys(), 65_536, 65_537, 100_000])
        sizes.set(await put(storage, new Uint8Array(size)), size);
      const other = await another();
      await seen(other, ...sizes.keys());
      for (const party of [storage, other]) expect(await listed(party)).toEqual(sizes);
    },
  },
];

const removing: readonly BlobStorageCase[] = [
  {
    name: 'what was removed is gone for everybody, and nothing else is',
    async run({ storage, another }) {
      const gone = await put(storage, bytesOf('gone'));
      const stays = await put(storage, bytesOf('stays'));
      const other = await another();
      await seen(other, gone, stays);
      expect(await read(other, gone)).toEqual(Buffer.from('gone'));
      await storage.remove(gone);
      await storage.remove(gone);
      for (const party of [storage, other]) {
        expect(await party.stat(gone)).toBeUndefined();
        expect(await party.open(gone, WHOLE)).toBeUndefined();
        expect([...(await listed(party)).keys()]).toEqual([stays]);
      }
      expect(await read(storage, await put(storage, bytesOf('gone')))).toEqual(Buffer.from('gone'));
    },
  },
  {
    name: 'what is no blob is damage and not absence, is listed without a size, and can be set aside',
    async run({ storage, another, break: breakBlob }) {
      const sha256 = await put(storage, bytesOf('a blob'));
      const other = await another();
      await seen(other, sha256);
      await breakBlob(sha256);
      for (const party of [storage, other]) {
        await expect(party.stat(sha256)).rejects.toMatchObject(damaged);
        await expect(party.open(sha256, WHOLE)).rejects.toMatchObject(damaged);
        expect(await listed(party)).toEqual(new Map([[sha256, undefined]]));
      }
      await storage.setAside(sha256);
      expect(await storage.stat(sha256)).toBeUndefined();
      expect(await read(storage, await put(storage, bytesOf('a blob')))).toEqual(Buffer.from('a blob'));
    },
  },
  {
    name: 'what was set aside is gone for everybody; setting aside nothing is no error',
    async run({ storage, another }) {
      const sha256 = await put(storage, bytesOf('suspect'));
      const stays = await put(storage, bytesOf('stays'));
      const other = await another();
      await seen(other, sha256);
      expect(await read(other, sha256)).toEqual(Buffer.from('suspect'));
      await storage.setAside(sha256);
      await storage.setAside(sha256);
      for (const party of [storage, other]) {
        expect(await party.stat(sha256)).toBeUndefined();
        expect(await party.open(sha256, WHOLE)).toBeUndefined();
      }
      expect(await read(storage, stays)).toEqual(Buffer.from('stays'));
    },
  },
];

const naming: readonly BlobStorageCase[] = [
  {
    name: 'another digest leads to a blob until it leads elsewhere or is removed',
    async run({ storage, another }) {
      const [one, two, hex] = ['1'.repeat(64), '2'.repeat(64), 'a'.repeat(128)];
      const other = await another();
      expect(await storage.alias('sha512', hex)).toBeUndefined();
      await storage.addAlias('sha512', hex, one);
      for (const party of [storage, other]) expect(await party.alias('sha512', hex)).toBe(one);
      await other.addAlias('sha512', hex, two);
      for (const party of [storage, other]) expect(await party.alias('sha512', hex)).toBe(two);
      await storage.removeAlias('sha512', hex);
      await storage.removeAlias('sha512', hex);
      for (const party of [storage, other]) expect(await party.alias('sha512', hex)).toBeUndefined();
    },
  },
  {
    name: 'digests of two algorithms are two names',
    async run({ storage, another }) {
      const hex = 'b'.repeat(64);
      await storage.addAlias('blake2b-256', hex, '1'.repeat(64));
      await storage.addAlias('sha512', 'b'.repeat(128), '2'.repeat(64));
      expect(await storage.alias('sha384', 'b'.repeat(96))).toBeUndefined();
      expect(await storage.alias('sha512', 'b'.repeat(128))).toBe('2'.repeat(64));
      expect(await storage.stat(hex)).toBeUndefined();
      const found: string[] = [];
      for await (const alias of (await another()).aliases())
        found.push(`${alias.algorithm} ${alias.hex} ${alias.sha256}`);
      expect(found.sort()).toEqual([
        `blake2b-256 ${hex} ${'1'.repeat(64)}`,
        `sha512 ${'b'.repeat(128)} ${'2'.repeat(64)}`,
      ]);
    },
  },
];

const KEY = 'a'.repeat(64);
/** More than is held in memory by any storage. */
const BEGINNING = Buffer.alloc(200_000, 'beginning ');

async function keptKeys(storage: BlobStorage): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key, size } of storage.kept()) found.push(`${key} ${size}`);
  return found;
}

async function keep(storage: BlobStorage, key: string, bytes: Uint8Array): Promise<void> {
  const writer = await storage.begin(key);
  await writer.write(bytes, 0);
  await writer.keep();
  await writer.discard();
}

const keeping: readonly BlobStorageCase[] = [
  {
    name: 'what was kept is taken up by the first who asks, also another, and becomes a blob with what is added',
    async run({ storage, another }) {
      const rest = bytesOf('and the end');
      const all = Buffer.concat([BEGINNING, rest]);
      await keep(storage, KEY, BEGINNING);
      const other = await another();
      expect(await keptKeys(other)).toEqual([`${KEY} ${BEGINNING.byteLength}`]);
      expect(await listed(other)).toEqual(new Map());
      const writer = await other.takeUp(KEY);
      if (writer === undefined) throw new Error('nothing was kept');
      expect(await storage.takeUp(KEY)).toBeUndefined();
      expect(await keptKeys(storage)).toEqual([]);
      expect(writer.length).toBe(BEGINNING.byteLength);
      const into = Buffer.alloc(30);
      expect(await writer.read(into, BEGINNING.byteLength - 20)).toBe(20);
      expect(into.subarray(0, 20)).toEqual(BEGINNING.subarray(-20));
      await writer.write(rest, writer.length);
      await writer.commit(sha256Of(all));
      expect((await read(other, sha256Of(all)))?.equals(all)).toBe(true);
    },
  },
  {
    name: 'what was taken up can be kept again, longer, or begun anew',
    async run({ storage }) {
      await keep(storage, KEY, BEGINNING);
      const first = await storage.takeUp(KEY);
      await first?.write(bytesOf('more'), BEGINNING.byteLength);
      await first?.keep();
      const second = await storage.takeUp(KEY);
      expect(second?.length).toBe(BEGINNING.byteLength + 4);
      await second?.restart();
      await second?.write(bytesOf('short'), 0);
      expect((await second?.commit(sha256Of(bytesOf('short'))))?.size).toBe(5);
      expect(await keptKeys(storage)).toEqual([]);
    },
  },
  {
    name: 'nothing is kept of what was discarded or committed, or had no key',
    async run({ storage }) {
      const discarded = await storage.begin(KEY);
      await discarded.write(BEGINNING, 0);
      await discarded.discard();
      const committed = await storage.begin(KEY);
      await committed.write(BEGINNING, 0);
      await committed.commit(sha256Of(BEGINNING));
      await committed.keep();
      const nameless = await storage.begin();
      await nameless.write(BEGINNING, 0);
      await nameless.keep();
      expect(await storage.takeUp(KEY)).toBeUndefined();
      expect(await keptKeys(storage)).toEqual([]);
      expect((await read(storage, sha256Of(BEGINNING)))?.equals(BEGINNING)).toBe(true);
    },
  },
  {
    name: 'what was kept can be removed; removing nothing is no error',
    async run({ storage }) {
      await keep(storage, KEY, BEGINNING);
      await keep(storage, 'b'.repeat(64), BEGINNING);
      await storage.removeKept(KEY);
      await storage.removeKept(KEY);
      expect(await storage.takeUp(KEY)).toBeUndefined();
      expect(await keptKeys(storage)).toEqual([`${'b'.repeat(64)} ${BEGINNING.byteLength}`]);
    },
  },
];

export const BLOB_STORAGE_CASES: readonly BlobStorageCase[] = [
  ...writing,
  ...lasting,
  ...reading,
  ...removing,
  ...naming,
  ...keeping,
];

/** What every blob storage has to do, on the one that `make` makes. */
export function blobStorageContract(name: string, make: () => Promise<BlobStorageRig>): void {
  describe(`blob storage: ${name}`, () => {
    it.each(BLOB_STORAGE_CASES)('$name', async ({ run }) => {
      await run(await make());
    });
  });
}
