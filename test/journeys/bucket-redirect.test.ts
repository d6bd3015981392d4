import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { type FetchInit, fetch } from '../support/fetch.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { error, type S3Server, startS3Server } from '../support/s3-server.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim, verbatimTold } from '../support/verbatim.ts';

// Clients that are redirected to the bucket for large files, where the configuration says so, and where it must not be.

const ALPHA = tinyWheel('alpha');
const ENV = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
const PATIENCE = { timeout: 60_000, interval: 50 };
const SHA256 = digestHex('sha256', ALPHA.bytes);
const STORED = `files/blobs/sha256/${SHA256.slice(0, 2)}/${SHA256}`;

let directory: string;
let pypi: FakePypi;
let s3: S3Server;
let server: RunningVerbatim | undefined;
/** How the mirror was started last. */
let flags: readonly string[];
/** Where the file was answered, and is to be in the end. */
let taken: URL | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-redirect-'));
  pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
  s3 = await startS3Server();
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  // Whatever became of the bucket, what lies here is what it was, and what was served is served without upstream.
  expect(await verbatim('verify', ...flags, '--data', join(directory, 'data'))).toMatchObject({ code: 0 });
  await pypi.close();
  if (taken !== undefined) {
    const again = await startVerbatim(flags, join(directory, 'data'), { env: ENV });
    const answer = await fetch(new URL(taken.pathname, again.simple));
    expect(Buffer.from(await answer.arrayBuffer()).equals(ALPHA.bytes)).toBe(true);
    await again.close();
  }
  taken = undefined;
  await s3.close();
  await rm(directory, { recursive: true, force: true });
});

const upstream = () => ['--upstream', `${pypi.url}simple/`, '--file-host', pypi.files.url.replace(/\/$/, '')];

async function mirror(blobs: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}) {
  const store = `s3://${S3_BUCKET}/files?endpoint=${s3.url}`;
  const config = join(directory, 'verbatim.yaml');
  await writeFile(config, JSON.stringify({ blobs: { store, ...blobs }, indexes: {}, ...more }));
  flags = ['--config', config, ...upstream()];
  server = await startVerbatim([...flags, '--admin-port', '0'], join(directory, 'data'), { env: ENV });
  return server;
}

async function address({ simple }: RunningVerbatim, headers: Readonly<Record<string, string>> = {}): Promise<URL> {
  const accept = 'application/vnd.pypi.simple.v1+json';
  const page = await fetch(`${simple}alpha/`, { headers: { accept, ...headers } });
  const { files } = (await page.json()) as { readonly files: readonly { readonly url: string }[] };
  return new URL(files[0]?.url ?? '', `${simple}alpha/`);
}

const asked = (url: URL, init: FetchInit = {}) => fetch(url, { redirect: 'manual', ...init });

/** Asked for until the file is in the bucket; what came then. */
async function uploaded(running: RunningVerbatim): Promise<URL> {
  const url = await address(running);
  // Nothing lies in the bucket yet: it is sent from here.
  expect((await asked(url)).status).toBe(200);
  await expect.poll(() => s3.objects.has(STORED), PATIENCE).toBe(true);
  taken = url;
  return url;
}

it('a large file is had from the bucket, and said to be proved by nobody', async () => {
  const running = await mirror({ redirect_from: 1 });
  const url = await uploaded(running);
  await expect.poll(async () => (await asked(url)).status, PATIENCE).toBe(302);
  const answer = await asked(url);
  expect(answer.headers.get('verbatim-evidence')).toBe('none');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const there = new URL(answer.headers.get('location') ?? '');
  expect(there.href.startsWith(`${s3.url}${S3_BUCKET}/${STORED}?`)).toBe(true);
  expect(there.href).not.toContain(S3_KEYS.secretAccessKey);
  expect(Buffer.from(await (await fetch(there)).arrayBuffer()).equals(ALPHA.bytes)).toBe(true);
  expect(running.log()).toContain('Clients are redirected to the bucket');
  // Who was sent there is recorded as who was sent the file.
  const other = get(url, { localAddress: '127.0.0.2' });
  const [sent] = (await once(other, 'response')) as [IncomingMessage];
  sent.resume();
  expect(sent.statusCode).toBe(302);
  // A redirect is none of the files that were sent from here.
  const counted = await (await fetch(running.metrics ?? '')).text();
  const redirects = 'verbatim_http_requests_total{route="redirect",method="GET",code="302"}';
  expect(
    Number(
      counted
        .split('\n')
        .find((line) => line.startsWith(redirects))
        ?.split(' ')[1],
    ),
  ).toBeGreaterThan(1);
  expect(counted).not.toMatch(/verbatim_http_requests_total\{route="file",method="GET",code="302"\}/);
  await running.close();
  server = undefined;
  const who = await verbatim('who', ALPHA.filename, '--data', join(directory, 'data'));
  expect(who.stdout).toContain('127.0.0.2');
});

it('a part of a file, its head, and a client with credentials of its own are answered here', async () => {
  const url = await uploaded(await mirror({ redirect_from: 1 }));
  await expect.poll(async () => (await asked(url)).status, PATIENCE).toBe(302);
  expect((await asked(url, { headers: { range: 'bytes=0-9' } })).status).toBe(206);
  expect((await asked(url, { method: 'HEAD' })).status).toBe(200);
  const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
  expect((await asked(url, { headers: { authorization } })).status).toBe(200);
});

it.each([
  ['it is smaller than that', { redirect_from: '1 MB' }],
  ['nothing says so', {}],
])('a file is sent from here where %s', async (_, blobs) => {
  const url = await uploaded(await mirror(blobs));
  expect((await asked(url)).status).toBe(200);
});

it('a file is sent from here where the bucket lost it, has another length of it, or is away', async () => {
  const url = await uploaded(await mirror({ redirect_from: 1 }));
  await expect.poll(async () => (await asked(url)).status, PATIENCE).toBe(302);
  s3.objects.set(STORED, { bytes: Buffer.from('short'), changed: new Date() });
  expect((await asked(url)).status).toBe(200);
  s3.objects.delete(STORED);
  expect((await asked(url)).status).toBe(200);
  s3.misbehave((_, response) => {
    error(response, 503, 'SlowDown');
    return true;
  });
  expect((await asked(url)).status).toBe(200);
});

it('nobody is redirected where credentials are asked for', async () => {
  const token = await verbatim('hash-password', 'ci', '--token');
  await writeFile(join(directory, 'tokens'), token.stdout);
  const user = await verbatimTold('a secret of ours\n', 'hash-password', 'ann');
  await writeFile(join(directory, 'users'), user.stdout);
  const auth = { htpasswd: 'users', tokens: 'tokens' };
  const running = await mirror({ redirect_from: 1 }, { server: { auth } });
  const headers = { authorization: `Basic ${Buffer.from('ann:a secret of ours').toString('base64')}` };
  const url = await address(running, headers);
  expect((await asked(url, { headers })).status).toBe(200);
  await expect.poll(() => s3.objects.has(STORED), PATIENCE).toBe(true);
  expect((await asked(url, { headers })).status).toBe(200);
  expect((await asked(url)).status).toBe(401);
  expect(running.log()).toContain('No client is redirected to the bucket');
});

it('a file that is refused here is not to be had there, though the bucket holds it', async () => {
  const url = await uploaded(await mirror({ redirect_from: 1 }));
  await expect.poll(async () => (await asked(url)).status, PATIENCE).toBe(302);
  await server?.close();
  await rm(join(directory, 'data'), { recursive: true, force: true });
  pypi.quarantine('alpha', 'it steals');
  taken = undefined;
  const answer = await asked(new URL(url.pathname, (await mirror({ redirect_from: 1 })).simple));
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(s3.objects.has(STORED)).toBe(true);
});
