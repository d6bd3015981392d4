import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBlobStorage, type DiskBlobs } from '../../../src/disk/blob-storage.ts';
import type { DocumentsDatabase } from '../../../src/disk/records/documents-database.ts';
import { withSmallBlobs } from '../../../src/disk/small-blobs.ts';
import { openVolume } from '../../../src/disk/volume.ts';
import type { BlobStorage } from '../../../src/ports/blob-storage.ts';
import { filesBelow, scratch } from '../../support/volume-harness.ts';
import { documentsOf } from './state/rig.ts';

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

interface Opened {
  readonly data: string;
  readonly files: DiskBlobs;
  readonly documents: DocumentsDatabase;
  readonly blobs: DiskBlobs;
}

async function opened(options: { readonly mostBytes?: number; readonly readOnly?: boolean } = {}): Promise<Opened> {
  const data = join(await scratch(), 'data');
  const volume = await openVolume(data);
  const files = createBlobStorage(volume);
  const documents = documentsOf(data, options);
  // Nothing is written before a test wants it.
  const blobs = withSmallBlobs(files, documents, { apartMs: 600_000 });
  onTestFinished(async () => {
    await blobs.close();
    await volume.close();
  });
  return { data, files, documents, blobs };
}

async function put(blobs: BlobStorage, bytes: Uint8Array): Promise<string> {
  const writer = await blobs.begin();
  await writer.write(bytes, 0);
  await writer.commit(sha256Of(bytes));
  return sha256Of(bytes);
}

async function read(blobs: BlobStorage, sha256: string): Promise<Buffer | undefined> {
  const blob = await blobs.open(sha256, { start: 0, end: 65_536 });
  if (blob === undefined) return undefined;
  const into = Buffer.alloc(blob.size);
  await blob.read(into, 0);
  await blob.close();
  return into;
}

describe('small blobs', () => {
  it('are written at once, and those that follow soon all together; large ones are files', async () => {
    const { data, documents, blobs } = await opened();
    const [first, next, large] = [randomBytes(10), randomBytes(65_536), randomBytes(65_537)];
    for (const bytes of [first, next, large]) await put(blobs, bytes);
    await expect.poll(() => documents.has(sha256Of(first)), { interval: 1 }).toBe(true);
    expect(await read(blobs, sha256Of(next))).toEqual(next);
    expect(await documents.has(sha256Of(next))).toBe(false);
    await blobs.close();
    expect(await documents.get(sha256Of(next))).toEqual(new Uint8Array(next));
    expect(await documents.has(sha256Of(large))).toBe(false);
    expect(await filesBelow(join(data, 'blobs', 'sha256'))).toHaveLength(1);
  });

  it('are written without waiting where there are many of them', async () => {
    const { documents, blobs } = await opened();
    const all = Array.from({ length: 65 }, () => randomBytes(65_536));
    for (const bytes of all) await put(blobs, bytes);
    await expect.poll(() => documents.has(sha256Of(all[0] ?? Buffer.alloc(0))), { interval: 1 }).toBe(true);
  });

  it('written in parts, or begun again, are what was written last', async () => {
    const { blobs } = await opened();
    const bytes = randomBytes(5000);
    const writer = await blobs.begin();
    await writer.write(randomBytes(60_000), 0);
    await writer.restart();
    await writer.write(bytes.subarray(0, 2000), 0);
    await writer.write(bytes.subarray(2000), 2000);
    expect((await writer.commit(sha256Of(bytes))).size).toBe(5000);
    expect(await read(blobs, sha256Of(bytes))).toEqual(bytes);
  });

  it('that grow become files, with all that was written before', async () => {
    const { data, blobs } = await opened();
    const bytes = randomBytes(100_000);
    const writer = await blobs.begin();
    await writer.write(bytes.subarray(0, 40_000), 0);
    await writer.write(bytes.subarray(40_000), 40_000);
    await writer.commit(sha256Of(bytes));
    expect(await read(blobs, sha256Of(bytes))).toEqual(bytes);
    expect(await filesBelow(join(data, 'blobs', 'sha256'))).toHaveLength(1);
  });

  it.each([
    ['has no room for them', { mostBytes: 10 }],
    ['may not be written', { readOnly: true }],
  ])('become files where the database %s', async (_, options) => {
    const { data, blobs } = await opened(options);
    const bytes = randomBytes(100);
    await put(blobs, bytes);
    await blobs.sync(sha256Of(bytes));
    expect(await filesBelow(join(data, 'blobs', 'sha256'))).toHaveLength(1);
    expect(await read(blobs, sha256Of(bytes))).toEqual(bytes);
  });

  it('that wait for the disk together share one sync of it', async () => {
    const { documents, blobs } = await opened();
    const sync = documents.sync.bind(documents);
    let syncs = 0;
    documents.sync = (names) => {
      syncs++;
      return sync(names);
    };
    const all = Array.from({ length: 50 }, (_, at) => randomBytes(1000 + at));
    const durable = all.map(async (bytes) => {
      const sha256 = await put(blobs, bytes);
      await blobs.sync(sha256);
      expect(await documents.has(sha256)).toBe(true);
    });
    await Promise.all(durable);
    expect(syncs).toBeGreaterThan(0);
    expect(syncs).toBeLessThanOrEqual(3);
  });

  it('whose sync fails are told so, all that shared it, and the next one is tried again', async () => {
    const { documents, blobs } = await opened();
    const names = await Promise.all(Array.from({ length: 5 }, () => put(blobs, randomBytes(100))));
    const sync = documents.sync.bind(documents);
    documents.sync = async () => undefined;
    const outcomes = await Promise.allSettled(names.map((sha256) => blobs.sync(sha256)));
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'StorageError', kind: 'failed' } });
    documents.sync = sync;
    await Promise.all(names.map((sha256) => blobs.sync(sha256)));
  });

  it('that an earlier program left as files are found, listed once, and removed', async () => {
    const { files, blobs } = await opened();
    const bytes = randomBytes(100);
    await put(files, bytes);
    expect(await read(blobs, sha256Of(bytes))).toEqual(bytes);
    await put(blobs, bytes);
    const listed: string[] = [];
    for await (const { sha256 } of blobs.list()) listed.push(sha256);
    expect(listed).toEqual([sha256Of(bytes)]);
    await blobs.remove(sha256Of(bytes));
    expect(await blobs.stat(sha256Of(bytes))).toBeUndefined();
  });

  it('that were removed while they waited are not written', async () => {
    const { documents, blobs } = await opened();
    await put(blobs, randomBytes(10));
    const bytes = randomBytes(100);
    await put(blobs, bytes);
    await blobs.remove(sha256Of(bytes));
    await blobs.close();
    expect(await documents.has(sha256Of(bytes))).toBe(false);
  });

  it('that are set aside leave a file as evidence, with the bytes that lay there', async () => {
    const { data, documents, blobs } = await opened();
    const [wrong, name] = [Buffer.from('not what it was'), sha256Of(randomBytes(100))];
    await documents.put(new Map([[name, wrong]]));
    expect(await blobs.stat(name)).toMatchObject({ size: wrong.byteLength });
    await blobs.setAside(name);
    expect(await blobs.stat(name)).toBeUndefined();
    const [evidence = ''] = await filesBelow(join(data, 'quarantine'));
    expect(evidence).toContain(name);
    expect(await readFile(join(data, 'quarantine', evidence))).toEqual(wrong);
  });
});
