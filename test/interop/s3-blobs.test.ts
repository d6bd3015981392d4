import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BlobStorage } from '../../src/ports/blob-storage.ts';
import { tryBucket } from '../../src/s3/abilities.ts';
import { s3Blobs } from '../support/s3-blobs.ts';
import { startVersitygw } from '../support/versitygw.ts';

const MIB = 1024 * 1024;
let server: Awaited<ReturnType<typeof startVersitygw>>;
beforeAll(async () => {
  server = await startVersitygw();
}, 900_000);
afterAll(() => server.close());

async function put(storage: BlobStorage, bytes: Uint8Array): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const writer = await storage.begin();
  await writer.write(bytes, 0);
  await writer.commit(sha256);
  await storage.sync(sha256);
  return sha256;
}

it('files of one machine, small and in parts, are those of another, through versitygw', async () => {
  const { storage } = await s3Blobs({ url: server.url });
  const { storage: other } = await s3Blobs({ url: server.url });
  const all = [0, 1000, 16 * MIB, 40 * MIB + 7].map((size) => randomBytes(size));
  const names: string[] = [];
  for (const bytes of all) names.push(await put(storage, bytes));
  for (const [at, sha256] of names.entries()) {
    const bytes = all[at] ?? Buffer.alloc(0);
    expect((await other.stat(sha256))?.size).toBe(bytes.byteLength);
    const blob = await other.open(sha256, { start: 0, end: bytes.byteLength });
    const into = Buffer.alloc(bytes.byteLength);
    expect(await blob?.read(into, 0)).toBe(bytes.byteLength);
    await blob?.close();
    expect(into.equals(bytes)).toBe(true);
  }
  const listed = new Map<string, number | undefined>();
  for await (const { sha256, size } of other.list()) listed.set(sha256, size);
  expect(listed).toEqual(new Map(names.map((sha256, at) => [sha256, all[at]?.byteLength])));
});

it('what is set aside is evidence in versitygw, and nothing else', async () => {
  const { storage, store } = await s3Blobs({ url: server.url, prefix: 'evidence' });
  const sha256 = await put(storage, randomBytes(5000));
  await storage.setAside(sha256);
  expect(await storage.stat(sha256)).toBeUndefined();
  const keys: string[] = [];
  for await (const key of store.list('')) keys.push(key);
  expect(keys).toEqual([expect.stringMatching(`^aside/${sha256}-`)]);
});

it('versitygw gives a file to whoever has its signed address, and nothing else by it', async () => {
  const { storage } = await s3Blobs({ url: server.url, prefix: 'redirects' });
  const bytes = randomBytes(5000);
  const sha256 = await put(storage, bytes);
  expect(await storage.elsewhere(sha256, bytes.byteLength + 1)).toBeUndefined();
  const address = (await storage.elsewhere(sha256, bytes.byteLength)) ?? '';
  expect(Buffer.from(await (await fetch(address)).arrayBuffer()).equals(bytes)).toBe(true);
  expect((await fetch(address.replace(sha256, 'f'.repeat(64)))).status).toBe(403);
  expect((await fetch(address, { method: 'DELETE' })).status).toBe(403);
});

it('versitygw does all that files need, and names who evicts', async () => {
  const { client } = await s3Blobs({ url: server.url, prefix: 'trial' });
  expect(await tryBucket(client)).toEqual({ faults: [], conditional: { sound: true, faults: [] } });
});
