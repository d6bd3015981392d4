import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { startS3Server } from '../support/s3-server.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatimWith } from '../support/verbatim.ts';
import { askAnew } from '../support/workers.ts';

// What policy refused at one replica of a fleet, asked of whichever of its workers, is answered at another one, and both serve by the answer.

const OLD = tinyWheel('alpha');
const NEW = tinyWheel('alpha', '2.0');
const ENV = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
const PATIENCE = { timeout: 60_000, interval: 100 };
const ASKED = 6;
const TO_NEW = ['main', 'alpha==2.0', '--rule', 'minimum age'];

let directory: string;
let pypi: FakePypi;
let store: Awaited<ReturnType<typeof startS3Server>>;
const servers: RunningVerbatim[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-fleet-'));
  await writeFile(join(directory, 'seal.key'), 'what all replicas of this test know');
  [pypi, store] = await Promise.all([startFakePypi(), startS3Server()]);
  pypi.upload('alpha', OLD);
  pypi.upload('alpha', { ...NEW, uploadTime: new Date(Date.now() - 86_400_000).toISOString() });
});
afterEach(async () => {
  for (const each of servers.splice(0)) await each.close();
  await Promise.all([pypi.close(), store.close()]);
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 250 });
});

async function serve(name: string, workers: number): Promise<RunningVerbatim> {
  const main = {
    upstream: `${pypi.url}simple/`,
    evidence: 'index',
    max_age: 86_400,
    file_hosts: [`127.0.0.1:${pypi.files.port}`],
    policy: { minimum_age: '7d' },
  };
  const config = {
    data: join(directory, name),
    seal_key_file: join(directory, 'seal.key'),
    fleet: { state: `s3://${S3_BUCKET}/fleet?endpoint=${store.url}` },
    server: { workers },
    indexes: { main },
  };
  await writeFile(configOf(name), JSON.stringify(config));
  const server = await startVerbatim(['--config', configOf(name)], config.data, { env: ENV });
  servers.push(server);
  return server;
}

const configOf = (name: string) => join(directory, `${name}.yaml`);
async function requests(name: string, ...words: readonly string[]) {
  const ended = await verbatimWith(ENV, 'requests', ...words, '--config', configOf(name), '--json');
  if (ended.code !== 0) throw new Error(ended.stderr);
  return JSON.parse(ended.stdout);
}

/** What each of several new connections got: the files of the page, and the status of the newer one. */
async function seen({ simple }: RunningVerbatim): Promise<readonly string[]> {
  const found = new Set<string>();
  for (let at = 0; at < ASKED; at++) {
    const answer = await askAnew(`${simple}alpha/`, { accept: 'application/vnd.pypi.simple.v1+json' });
    const { files }: { files: readonly { filename: string }[] } = JSON.parse(await answer.text());
    const file = await askAnew(new URL(pypi.storedAt(NEW), simple).href);
    await file.arrayBuffer();
    found.add(`${files.map(({ filename }) => filename).join(' ')}: ${file.status}`);
  }
  return [...found];
}

const HELD = [`${OLD.filename}: 403`];
const SERVED = [`${OLD.filename} ${NEW.filename}: 200`];

it('is listed where it was asked for, answered at the other replica, and served by all workers of both', async () => {
  const [one, two] = [await serve('one', 2), await serve('two', 1)];
  expect([await seen(one), await seen(two)]).toEqual([HELD, HELD]);
  const open = { project: 'alpha', version: '2.0', files: [NEW.filename], rule: 'minimum age', state: 'open' };
  for (const name of ['one', 'two'])
    await expect.poll(async () => (await requests(name)).requests, PATIENCE).toMatchObject([open]);

  expect(await requests('two', '--allow', ...TO_NEW, '--reason', 'ticket 17')).toMatchObject({ project: 'alpha' });
  // In force where it was given when the command ends, and at the other replica with its next word from the store.
  expect(await seen(two)).toEqual(SERVED);
  await expect.poll(() => seen(one), PATIENCE).toEqual(SERVED);
  expect((await requests('one')).requests).toEqual([]);
  expect((await requests('one', '--all')).requests).toMatchObject([{ ...open, state: 'allowed' }]);

  await requests('one', '--deny', ...TO_NEW, '--reason', 'use alpha 1');
  expect(await seen(one)).toEqual(HELD);
  await expect.poll(() => seen(two), PATIENCE).toEqual(HELD);
}, 240_000);

it('is answered by its name where nobody asked for it, for those who do at the other replica', async () => {
  const [one, two] = [await serve('one', 2), await serve('two', 1)];
  expect(await seen(one)).toEqual(HELD);
  await expect.poll(async () => (await requests('one')).requests.length, PATIENCE).toBe(1);
  // What was asked for is a record of the replica that was asked; answers are everybody's.
  expect((await requests('two')).requests).toEqual([]);
  await requests('two', '--allow', ...TO_NEW, '--reason', 'ticket 18');
  await expect.poll(() => seen(one), PATIENCE).toEqual(SERVED);
  expect(await seen(two)).toEqual(SERVED);
  expect((await requests('one')).requests).toEqual([]);
}, 240_000);
