import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { error, type S3Server, startS3Server } from '../support/s3-server.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';

// A mirror that keeps its files in a bucket, from outside.

const ALPHA = tinyWheel('alpha');
const PATIENCE = { timeout: 20_000, interval: 50 };

let directory: string;
let pypi: FakePypi;
let s3: S3Server;
const servers: RunningVerbatim[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-bucket-'));
  pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
  s3 = await startS3Server();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  await s3.close();
  await pypi.close();
  await rm(directory, { recursive: true, force: true });
});

async function mirror(data: string, ...flags: readonly string[]): Promise<RunningVerbatim> {
  const keys = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
  const bucket = `s3://${S3_BUCKET}/files?endpoint=${s3.url}`;
  const places = ['--upstream', `${pypi.url}simple/`, '--file-host', pypi.files.url.replace(/\/$/, '')];
  const args = [...places, '--blobs', bucket, '--admin-port', '0', ...flags];
  const server = await startVerbatim(args, join(directory, data), { env: keys });
  servers.push(server);
  return server;
}

async function wheel({ simple }: RunningVerbatim): Promise<Buffer> {
  const page = await fetch(`${simple}alpha/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
  const { files } = (await page.json()) as { readonly files: readonly { readonly url: string }[] };
  const file = await fetch(new URL(files[0]?.url ?? '', `${simple}alpha/`));
  expect(file.status).toBe(200);
  return Buffer.from(await file.arrayBuffer());
}

const stored = () => [...s3.objects].find(([key]) => key.endsWith(digestHex('sha256', ALPHA.bytes)));

it('a file is in the bucket, and another machine has it from there', async () => {
  expect((await wheel(await mirror('one'))).equals(ALPHA.bytes)).toBe(true);
  await expect.poll(stored, PATIENCE).toBeDefined();
  const before = pypi.files.asked(pypi.storedAt(ALPHA)).length;
  const other = await mirror('two');
  expect((await wheel(other)).equals(ALPHA.bytes)).toBe(true);
  expect(pypi.files.asked(pypi.storedAt(ALPHA))).toHaveLength(before);
  const metrics = await (await fetch(other.metrics ?? '')).text();
  expect(metrics).toMatch(/^verbatim_bucket_[a-z_]+(\{[^}]*\})? [1-9]/m);
});

it('other bytes in the bucket are proved, set aside and fetched anew', async () => {
  await wheel(await mirror('one'));
  await expect.poll(stored, PATIENCE).toBeDefined();
  const [key = ''] = stored() ?? [];
  s3.objects.set(key, { bytes: Buffer.alloc(ALPHA.bytes.byteLength, 7), changed: new Date() });
  expect((await wheel(await mirror('two'))).equals(ALPHA.bytes)).toBe(true);
});

it('a bucket that is away costs nobody an error', async () => {
  s3.misbehave((_, response) => {
    error(response, 503, 'SlowDown');
    return true;
  });
  expect((await wheel(await mirror('one'))).equals(ALPHA.bytes)).toBe(true);
});

it('each of several workers tells the bucket what it uses', async () => {
  const server = await mirror('one', '--workers', '2');
  expect((await wheel(server)).equals(ALPHA.bytes)).toBe(true);
  await expect.poll(stored, PATIENCE).toBeDefined();
  // The second may still be starting; it has told when it has ended.
  const answering = async () => (await fetch(server.metrics ?? '')).text();
  await expect.poll(answering, PATIENCE).toMatch(/^verbatim_workers_answering 2$/m);
  await servers.pop()?.close();
  const records = [...s3.objects.keys()].flatMap((key) => /used\/[0-9a-f]{32}(.*)$/.exec(key)?.[1] ?? []);
  expect(records.toSorted()).toEqual(['', '-2']);
});
