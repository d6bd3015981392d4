import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type BlobStorage, StorageError } from '../../src/ports/blob-storage.ts';
import { s3Blobs } from '../support/s3-blobs.ts';
import { error, startS3Server } from '../support/s3-server.ts';
import { scratch } from '../support/volume-harness.ts';

const WHOLE = { start: 0, end: Number.MAX_SAFE_INTEGER };
const FAST = { headMs: 300, silenceMs: 150, attempts: 2, hedgeMs: 20 };
const MIB = 1024 * 1024;

async function server() {
  const started = await startS3Server();
  onTestFinished(() => started.close());
  return started;
}

async function put(storage: BlobStorage, bytes: Uint8Array): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const writer = await storage.begin();
  await writer.write(bytes, 0);
  await writer.commit(sha256);
  return sha256;
}

async function read(storage: BlobStorage, sha256: string): Promise<Buffer | undefined> {
  const blob = await storage.open(sha256, WHOLE);
  if (blob === undefined) return undefined;
  const into = Buffer.alloc(blob.size);
  try {
    await blob.read(into, 0);
    return into;
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'gone') return undefined;
    throw error;
  } finally {
    await blob.close();
  }
}

const keyOf = (sha256: string) => `blobs/sha256/${sha256.slice(0, 2)}/${sha256}`;

/** A file that one machine has uploaded, and another machine. */
async function uploaded(bytes: Buffer = randomBytes(1000)) {
  const s3 = await server();
  const { storage } = await s3Blobs({ url: s3.url, limits: FAST });
  const sha256 = await put(storage, bytes);
  await storage.sync(sha256);
  const reached: boolean[] = [];
  const other = await s3Blobs({ url: s3.url, limits: FAST, onReach: (away) => reached.push(away === undefined) });
  return { s3, storage, other: other.storage, reached, sha256, bytes };
}

describe('a bucket that', () => {
  it('holds what another machine uploaded gives it to all who ask at once, in one request', async () => {
    const { s3, other, sha256, bytes } = await uploaded();
    s3.calls.length = 0;
    const all = await Promise.all(Array.from({ length: 50 }, () => read(other, sha256)));
    expect(all.every((one) => one?.equals(bytes))).toBe(true);
    expect(s3.calls.filter(({ method, key }) => method === 'GET' && key === keyOf(sha256))).toHaveLength(1);
    expect(s3.calls.some(({ key, query }) => key === '' && query.has('list-type'))).toBe(false);
  });

  it.each([
    ['breaks off', 'x'],
    ['stands still', undefined],
  ])('%s in the middle of a file leaves nothing of it, and counts as one that has nothing', async (_, cut) => {
    const { s3, other, sha256, bytes } = await uploaded();
    s3.misbehave(({ method }, response) => {
      if (method !== 'GET') return false;
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 100), () => cut !== undefined && response.destroy());
      return true;
    });
    expect(await read(other, sha256)).toBeUndefined();
    s3.heal();
    await expect.poll(() => read(other, sha256)).toEqual(bytes);
  });

  it('gives other bytes of the right length hands them to a reader who proves them, and they can be set aside as evidence', async () => {
    const { s3, other, sha256, bytes } = await uploaded();
    const wrong = Buffer.from(bytes);
    wrong[5] = (wrong[5] ?? 0) ^ 1;
    s3.objects.set(keyOf(sha256), { bytes: wrong, changed: new Date() });
    expect(await read(other, sha256)).toEqual(wrong);
    await other.setAside(sha256);
    expect(await other.stat(sha256)).toBeUndefined();
    expect([...s3.objects.keys()]).toEqual([expect.stringMatching(`^aside/${sha256}-`)]);
  });

  it.each([
    ['is slow down', 503, 'SlowDown'],
    ['thinks that our clock is wrong', 403, 'RequestTimeTooSkewed'],
    ['fails', 500, 'InternalError'],
  ])('%s counts as one that has nothing, at once after the first answer, and is told once', async (_, status, code) => {
    const { s3, other, reached, sha256, bytes } = await uploaded();
    s3.misbehave((_call, response) => {
      error(response, status, code);
      return true;
    });
    s3.calls.length = 0;
    for (let time = 0; time < 20; time++) expect(await other.stat(sha256)).toBeUndefined();
    expect(s3.calls.length).toBeLessThan(10);
    expect(reached).toEqual([false]);
    expect(other.usage().away).toContain(`(${status})`);
    s3.heal();
    await expect.poll(() => read(other, sha256)).toEqual(bytes);
    expect(reached).toEqual([false, true]);
  });

  it('is away takes what was fetched meanwhile once it is there again', async () => {
    const s3 = await server();
    const { storage } = await s3Blobs({ url: s3.url, limits: FAST });
    s3.misbehave((_call, response) => {
      response.destroy();
      return true;
    });
    const bytes = randomBytes(500);
    const sha256 = await put(storage, bytes);
    expect(await read(storage, sha256)).toEqual(bytes);
    await expect(storage.sync(sha256)).rejects.toMatchObject({ name: 'StorageError', kind: 'failed' });
    s3.heal();
    await expect.poll(() => s3.objects.get(keyOf(sha256))?.bytes).toEqual(bytes);
    await expect.poll(() => storage.usage().waiting).toBe(0);
  });

  it('was away when the mirror ended gets what is missing after the next start', async () => {
    const s3 = await server();
    const data = join(await scratch(), 'data');
    const first = await s3Blobs({ url: s3.url, data, limits: FAST });
    s3.misbehave((_call, response) => {
      response.destroy();
      return true;
    });
    const bytes = randomBytes(500);
    const sha256 = await put(first.storage, bytes);
    await first.close();
    s3.heal();
    await s3Blobs({ url: s3.url, data, limits: FAST });
    await expect.poll(() => s3.objects.get(keyOf(sha256))?.bytes).toEqual(bytes);
  });

  it('lost an object to others misses it; a disk that still has it serves it on', async () => {
    const { s3, storage, other, sha256, bytes } = await uploaded();
    s3.objects.delete(keyOf(sha256));
    expect(await other.stat(sha256)).toBeUndefined();
    expect(await read(other, sha256)).toBeUndefined();
    expect(await read(storage, sha256)).toEqual(bytes);
  });

  it('fails in the middle of an upload in parts shows nothing of it, and nothing is left begun', async () => {
    const s3 = await server();
    const { storage } = await s3Blobs({ url: s3.url, limits: { ...FAST, attempts: 1 } });
    s3.misbehave(({ query }, response) => {
      if (query.get('partNumber') !== '2') return false;
      error(response, 500, 'InternalError');
      return true;
    });
    const bytes = randomBytes(33 * MIB);
    const sha256 = await put(storage, bytes);
    await expect(storage.sync(sha256)).rejects.toMatchObject({ kind: 'failed' });
    expect(s3.objects.has(keyOf(sha256))).toBe(false);
    s3.heal();
    await storage.sync(sha256);
    expect(s3.objects.get(keyOf(sha256))?.bytes.equals(bytes)).toBe(true);
    expect(s3.uploads.size).toBe(0);
  });

  it('says 200 and then that completing an upload failed is not believed', async () => {
    const s3 = await server();
    const { storage } = await s3Blobs({ url: s3.url, limits: { ...FAST, attempts: 1 } });
    s3.misbehave(({ method, query }, response) => {
      if (method !== 'POST' || !query.has('uploadId')) return false;
      error(response, 200, 'InternalError');
      return true;
    });
    const sha256 = await put(storage, randomBytes(17 * MIB));
    await expect(storage.sync(sha256)).rejects.toMatchObject({ kind: 'failed' });
    s3.heal();
    await storage.sync(sha256);
    expect(s3.objects.has(keyOf(sha256))).toBe(true);
  });

  it('has uploads that were given up a day ago is rid of those alone', async () => {
    const s3 = await server();
    const begun = (hours: number) => ({
      key: keyOf('0'.repeat(64)),
      parts: new Map(),
      begun: new Date(Date.now() - hours * 3_600_000),
    });
    s3.uploads.set('old', begun(25));
    s3.uploads.set('young', begun(1));
    await s3Blobs({ url: s3.url });
    await expect.poll(() => [...s3.uploads.keys()]).toEqual(['young']);
  });
});

it('a file that changed on the disk before it was uploaded never reaches the bucket', async () => {
  const s3 = await server();
  const { storage, tier } = await s3Blobs({ url: s3.url });
  const writer = await tier.begin();
  await writer.write(Buffer.from('other bytes'), 0);
  const sha256 = createHash('sha256').update('bytes').digest('hex');
  await writer.commit(sha256);
  await expect(storage.sync(sha256)).rejects.toMatchObject({ name: 'StorageError' });
  expect(s3.objects.size).toBe(0);
});

it('the disk before a bucket is held to its limit, and what left it is brought again', async () => {
  const s3 = await server();
  const { storage, tier } = await s3Blobs({ url: s3.url, tierBytes: 5000 });
  const all = Array.from({ length: 10 }, () => randomBytes(1000));
  const names: string[] = [];
  for (const bytes of all) {
    names.push(await put(storage, bytes));
    await storage.sync(names.at(-1) ?? '');
  }
  await put(storage, randomBytes(10));
  await expect.poll(() => storage.usage().bytes).toBeLessThanOrEqual(5000);
  let here = 0;
  for await (const { size } of tier.list()) here += size ?? 0;
  expect(here).toBeLessThanOrEqual(6010);
  for (const [at, name] of names.entries()) expect(await read(storage, name)).toEqual(all[at]);
});

describe('two processes on one disk before a bucket', () => {
  const KB = 1000;

  /** The second tells the first of everything, as workers do. */
  async function pair(s3: Awaited<ReturnType<typeof server>>) {
    const data = join(await scratch(), 'data');
    const [first, second] = await Promise.all([
      s3Blobs({ url: s3.url, data, tierBytes: 5 * KB, number: 1 }),
      s3Blobs({ url: s3.url, data, tierBytes: 5 * KB, number: 2, leads: false }),
    ]);
    const here = async () => {
      let bytes = 0;
      for await (const { size } of first.tier.list()) bytes += size ?? 0;
      return bytes;
    };
    const stored = async (bytes: Buffer) => {
      const sha256 = await put(second.storage, bytes);
      first.storage.heard({ kind: 'added', sha256, size: bytes.byteLength, index: undefined });
      return sha256;
    };
    return { first, second, here, stored };
  }

  it('hold it to the limit together, and what left it is brought again', async () => {
    const { first, second, here, stored } = await pair(await server());
    const all = Array.from({ length: 12 }, () => randomBytes(KB));
    const names: string[] = [];
    for (const [at, bytes] of all.entries()) {
      const sha256 = at % 2 === 0 ? await put(first.storage, bytes) : await stored(bytes);
      await (at % 2 === 0 ? first : second).storage.sync(sha256);
      names.push(sha256);
    }
    first.storage.heard({ kind: 'used', sha256: names.at(-1) ?? '', size: KB, index: undefined });
    await expect.poll(here).toBeLessThanOrEqual(5 * KB);
    for (const [at, name] of names.entries()) expect(await read(second.storage, name)).toEqual(all[at]);
  });

  it('remove nothing that the other has not uploaded yet', async () => {
    const s3 = await server();
    s3.misbehave(({ method }, response) => method === 'PUT' && error(response, 503, 'SlowDown') !== undefined);
    const { first, here, stored } = await pair(s3);
    const all = Array.from({ length: 12 }, () => randomBytes(KB));
    const names = await Promise.all(all.map(stored));
    await first.close();
    // It asked the bucket for each that would have gone.
    expect(
      s3.calls.filter(({ method, key }) => method === 'HEAD' && names.some((name) => key === keyOf(name))),
    ).not.toEqual([]);
    expect(await here()).toBe(12 * KB);
    s3.heal();
  });

  it('forget what the other removed', async () => {
    const { first, stored } = await pair(await server());
    const sha256 = await stored(randomBytes(KB));
    expect(first.storage.usage().bytes).toBe(KB);
    first.storage.heard({ kind: 'removed', sha256 });
    first.storage.heard({ kind: 'kept', sha256, by: 'sync' });
    expect(first.storage.usage().bytes).toBe(0);
  });
});
