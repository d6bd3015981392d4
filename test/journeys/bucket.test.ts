import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { fetch } from '../support/fetch.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { error, type S3Server, startS3Server } from '../support/s3-server.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { UnsignedBook } from '../support/unsigned-book.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// A mirror that keeps its files in a bucket, from outside.

const ALPHA = tinyWheel('alpha');
const PATIENCE = { timeout: 60_000, interval: 50 };

let directory: string;
let pypi: FakePypi;
let s3: S3Server;
let book: UnsignedBook;
const servers: RunningVerbatim[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-bucket-'));
  pypi = await startFakePypi();
  book = new UnsignedBook(pypi);
  book.upload('alpha', ALPHA);
  s3 = await startS3Server();
});
afterEach(async () => {
  const ended = servers.splice(0);
  for (const server of ended) await server.close();
  await s3.close();
  // Whatever became of the bucket, what each of them holds is what it was, and so is what each of them answered.
  for (const { data } of ended)
    expect(await verbatim('verify', ...places(), '--data', data)).toMatchObject({ code: 0 });
  book.holds(1);
  await pypi.close();
  await rm(directory, { recursive: true, force: true });
});

const places = () => ['--upstream', `${pypi.url}simple/`, '--file-host', pypi.files.url.replace(/\/$/, '')];

async function mirror(data: string, ...flags: readonly string[]): Promise<RunningVerbatim> {
  const keys = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
  const bucket = `s3://${S3_BUCKET}/files?endpoint=${s3.url}`;
  const args = [...places(), '--blobs', bucket, '--admin-port', '0', ...flags];
  const server = await startVerbatim(args, join(directory, data), { env: keys });
  servers.push(server);
  return server;
}

const take = ({ data, simple }: RunningVerbatim) => book.take({ replica: data, simple }, 'alpha');

const stored = () => [...s3.objects].find(([key]) => key.endsWith(digestHex('sha256', ALPHA.bytes)));

it('a file is in the bucket, and another machine has it from there', async () => {
  await take(await mirror('one'));
  await expect.poll(stored, PATIENCE).toBeDefined();
  const before = pypi.files.asked(pypi.storedAt(ALPHA)).length;
  const other = await mirror('two');
  await take(other);
  expect(pypi.files.asked(pypi.storedAt(ALPHA))).toHaveLength(before);
  const metrics = await (await fetch(other.metrics ?? '')).text();
  expect(metrics).toMatch(/^verbatim_bucket_[a-z_]+(\{[^}]*\})? [1-9]/m);
});

it('other bytes in the bucket are proved, set aside and fetched anew', async () => {
  await take(await mirror('one'));
  await expect.poll(stored, PATIENCE).toBeDefined();
  const [key = ''] = stored() ?? [];
  s3.objects.set(key, { bytes: Buffer.alloc(ALPHA.bytes.byteLength, 7), changed: new Date() });
  await take(await mirror('two'));
});

it('a bucket that is away costs nobody an error', async () => {
  s3.misbehave((_, response) => {
    error(response, 503, 'SlowDown');
    return true;
  });
  await take(await mirror('one'));
});

it('each of several workers tells the bucket what it uses', async () => {
  const server = await mirror('one', '--workers', '2');
  await take(server);
  await expect.poll(stored, PATIENCE).toBeDefined();
  // The second may still be starting; it has told when it has ended.
  const answering = async () => (await fetch(server.metrics ?? '')).text();
  await expect.poll(answering, PATIENCE).toMatch(/^verbatim_workers_answering 2$/m);
  await server.close();
  const records = [...s3.objects.keys()].flatMap((key) => /used\/[0-9a-f]{32}(.*)$/.exec(key)?.[1] ?? []);
  expect(records.toSorted()).toEqual(['', '-2']);
});
