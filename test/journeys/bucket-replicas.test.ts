import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { S3_BUCKET, S3_KEYS, s3Store } from '../support/s3.ts';
import { error, type Misbehaviour, startS3Server } from '../support/s3-server.ts';
import { type TinyWheel, tinyWheel } from '../support/tiny-wheel.ts';
import { UnsignedBook } from '../support/unsigned-book.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';
import { startVersitygw } from '../support/versitygw.ts';

// Replicas, each with a data directory of its own, over one bucket that is killed, stands still, or lies.

const ENV = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
const PATIENCE = { timeout: 60_000, interval: 100 };
const HOUR = 3_600_000;

let directory: string;
let pypi: FakePypi;
let book: UnsignedBook;
const servers: RunningVerbatim[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-replicas-'));
  pypi = await startFakePypi();
  book = new UnsignedBook(pypi);
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  await pypi.close();
  await rm(directory, { recursive: true, force: true });
});

const large = (project: string) => tinyWheel(project, '1.0', project.repeat(20_000));
const sha256Of = ({ bytes }: TinyWheel) => digestHex('sha256', bytes);
const keyOf = (wheel: TinyWheel) => `files/blobs/sha256/${sha256Of(wheel).slice(0, 2)}/${sha256Of(wheel)}`;

const places = () => ['--upstream', `${pypi.url}simple/`, '--file-host', pypi.files.url.replace(/\/$/, '')];

async function replica(name: string, url: string, ...flags: readonly string[]): Promise<RunningVerbatim> {
  const bucket = ['--blobs', `s3://${S3_BUCKET}/files?endpoint=${url}`];
  const server = await startVerbatim([...places(), ...bucket, ...flags], join(directory, name), { env: ENV });
  servers.push(server);
  return server;
}

const upload = (wheel: TinyWheel) => book.upload(wheel.project, wheel);

/** Fails unless the project's page and this wheel are answered. */
const ask = (server: RunningVerbatim, wheel: TinyWheel) =>
  book.take({ replica: server.data, simple: server.simple }, wheel.project, wheel.filename);

/** Ends all replicas, and proves what each of them holds and what each of them answered. */
async function verified(...names: readonly string[]): Promise<void> {
  for (const server of servers.splice(0)) await server.close();
  for (const name of names) {
    const { code, stdout } = await verbatim('verify', ...places(), '--data', join(directory, name));
    expect(stdout).toMatch(/: 0 are not what they were/);
    expect(code).toBe(0);
  }
  book.holds(1);
}

it('two replicas answer everybody while the store is killed and stands still, and leave one object a file', async () => {
  const gateway = await startVersitygw();
  try {
    const wheels = Array.from({ length: 12 }, (_, at) => large(`project${at}`));
    const moving = Array.from({ length: 5 }, (_, at) => tinyWheel('moving', `${at + 1}.0`));
    for (const wheel of wheels) upload(wheel);
    const both = [
      await replica('one', gateway.url, '--max-age', '0'),
      await replica('two', gateway.url, '--max-age', '0'),
    ];
    // Upstream goes on, whatever becomes of the store, and each of them with it.
    const moves = async () => {
      const next = moving.shift();
      if (next === undefined) throw new Error('there are no more');
      upload(next);
      for (const { data: name, simple } of both) await book.caughtUp({ replica: name, simple }, next.project);
    };
    const some = (from: number, to: number) =>
      Promise.all(wheels.slice(from, to).flatMap((wheel) => both.map((server) => ask(server, wheel))));
    await Promise.all([some(0, 3), moves()]);
    gateway.stall();
    await Promise.all([some(2, 6), moves()]);
    gateway.goOn();
    await Promise.all([some(5, 8), moves()]);
    await gateway.kill();
    await Promise.all([some(7, 12), moves()]);
    await gateway.again();
    await Promise.all([some(0, 12), moves()]);
    const { client, store } = s3Store(gateway.url);
    const missing = async () => {
      const left = new Set(wheels.map(keyOf));
      for await (const key of store.list('files/blobs/')) left.delete(key);
      return [...left];
    };
    await expect.poll(missing, PATIENCE).toEqual([]);
    for await (const key of store.list('files/blobs/sha256/'))
      expect(digestHex('sha256', (await store.get(key, 1e6)) ?? Buffer.alloc(0))).toBe(key.slice(-64));
    client.close();
    await verified('one', 'two');
  } finally {
    await gateway.close();
  }
}, 180_000);

const ALPHA = large('alpha');
const BETA = large('beta');

const giving =
  (headers: Readonly<Record<string, string | number>>, body: Uint8Array): Misbehaviour =>
  ({ method, key }, response) => {
    if (method !== 'GET' || key !== keyOf(ALPHA)) return false;
    response.writeHead(200, { 'content-length': ALPHA.bytes.byteLength, ...headers }).write(body);
    if (headers['content-length'] !== undefined) response.end();
    return true;
  };

describe('a replica whose bucket', () => {
  it.each<readonly [string, Misbehaviour]>([
    ['gives another file', giving({ 'content-length': BETA.bytes.byteLength }, BETA.bytes)],
    [
      'gives other bytes of the right length',
      giving({ 'content-length': ALPHA.bytes.byteLength }, Buffer.alloc(ALPHA.bytes.byteLength, 7)),
    ],
    ['gives nothing', giving({ 'content-length': 0 }, Buffer.alloc(0))],
    ['stands still after half of a file', giving({}, ALPHA.bytes.subarray(0, ALPHA.bytes.byteLength / 2))],
    ['is too busy', ({ key }, response) => key === keyOf(ALPHA) && error(response, 503, 'SlowDown') !== undefined],
    ['says nothing', ({ key }) => key === keyOf(ALPHA)],
    ['breaks off', ({ key }, response) => key === keyOf(ALPHA) && response.destroy() !== undefined],
  ])(
    '%s answers with the right bytes, and the right object lies there in the end',
    async (_, misbehaviour) => {
      const s3 = await startS3Server();
      try {
        for (const wheel of [ALPHA, BETA]) upload(wheel);
        s3.objects.set(keyOf(ALPHA), { bytes: Buffer.from(ALPHA.bytes), changed: new Date() });
        const server = await replica('two', s3.url);
        s3.misbehave(misbehaviour);
        await ask(server, ALPHA);
        expect(s3.calls.some(({ method, key }) => /GET|HEAD/.test(method) && key === keyOf(ALPHA))).toBe(true);
        s3.heal();
        await ask(server, ALPHA);
        await ask(server, BETA);
        const isThere = () => [ALPHA, BETA].map((wheel) => s3.objects.get(keyOf(wheel))?.bytes.equals(wheel.bytes));
        await expect.poll(isThere, PATIENCE).toEqual([true, true]);
        await verified('two');
      } finally {
        await s3.close();
      }
    },
    120_000,
  );
});

it('what nobody uses leaves a bucket that is full, by one leader and without Redis', async () => {
  const s3 = await startS3Server();
  try {
    const [old, young] = [large('old'), large('young')];
    for (const wheel of [old, young, ALPHA]) upload(wheel);
    const put = (wheel: TinyWheel, ageMs: number) =>
      s3.objects.set(keyOf(wheel), { bytes: Buffer.from(wheel.bytes), changed: new Date(Date.now() - ageMs) });
    put(old, 2 * HOUR);
    put(young, HOUR / 2);
    const config = join(directory, 'verbatim.yaml');
    const store = `s3://${S3_BUCKET}/files?endpoint=${s3.url}`;
    await writeFile(config, JSON.stringify({ blobs: { store, max_bytes: '150 KB' }, indexes: {} }));
    for (const name of ['one', 'two']) {
      const server = await startVerbatim(['--config', config, ...places()], join(directory, name), { env: ENV });
      servers.push(server);
      expect(server.log()).not.toContain('Nobody evicts files');
    }
    for (const server of servers) await ask(server, ALPHA);
    await expect.poll(() => s3.objects.has(keyOf(old)), PATIENCE).toBe(false);
    await expect.poll(() => s3.objects.has(keyOf(ALPHA)), PATIENCE).toBe(true);
    expect(s3.objects.has(keyOf(young))).toBe(true);
    const leaders = [...s3.objects.keys()].filter((key) => key.startsWith('files/leader/'));
    expect(leaders).toEqual(['files/leader/000000000001']);
    await verified('one', 'two');
  } finally {
    await s3.close();
  }
}, 120_000);
