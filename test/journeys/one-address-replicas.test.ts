import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { type Mirror, makeScratch, NOW, type SimplePage, startMirror, unsignedConfig } from '../rigs/mirror.ts';
import { badGateway } from '../support/bad-days.ts';
import { createClock } from '../support/clock.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { redisServer, until } from '../support/redis.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { startS3Server } from '../support/s3-server.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatimWith } from '../support/verbatim.ts';

// Two replicas of one address over a private index and a public one, which has a namesake of what is private.

const OURS = tinyWheel('shared');
const THEIRS = tinyWheel('shared', '99.0', 'evil');

let own: FakePypi;
let open: FakePypi;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-replicas-'));
  await writeFile(join(directory, 'seal.key'), 'what all replicas of this test know');
  [own, open] = await Promise.all([startFakePypi(), startFakePypi()]);
  own.upload('shared', OURS);
  own.upload('stays', tinyWheel('stays'));
  // What a mirror looks at when it starts is the first that the list names.
  open.upload('mill', tinyWheel('mill'));
  open.upload('shared', THEIRS);
});
afterEach(async () => {
  await Promise.all([own.close(), open.close()]);
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 250 });
});

it('beside one Redis hold a name for the private index that only one of them has seen there', async () => {
  const server = await redisServer();
  const clock = createClock(NOW);
  const indexes = () =>
    [['private', own] as const, ['public', open] as const].map(([name, pypi]) =>
      unsignedConfig({ name, upstream: `${pypi.url}simple/`, fileHosts: [`127.0.0.1:${pypi.files.port}`] }),
    );
  const addresses = { main: { name: 'main', of: ['private', 'public'], owned: {} } };
  const start = async (name: string): Promise<Mirror> => {
    const seal = { key: join(directory, 'seal.key'), epoch: join(directory, `epoch-${name}`) };
    const mirror = await startMirror({
      scratch: await makeScratch(),
      clock,
      indexes,
      addresses,
      redis: [server.port],
      seal,
    });
    onTestFinished(() => mirror.close());
    return mirror;
  };
  const one = await start('one');
  expect(await one.names('shared')).toEqual([OURS.filename]);
  await until(async () => /verbatim:/.test(await server.command('KEYS', 'verbatim:news:*')));
  own.page('shared', badGateway);
  const two = await start('two');
  expect(await two.names('shared')).toEqual([OURS.filename]);
  own.heal();
  own.removeProject('shared');
  clock.advance(3600);
  const three = await start('three');
  for (const mirror of [two, one, three]) expect(await mirror.refused('/simple/shared/')).toBe('502 regressed');
  expect(open.asked('shared')).toEqual([]);
});

it('that share their state give a name to the public index once an operator said beside one of them that it is free', async () => {
  const env = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
  const s3 = await startS3Server();
  onTestFinished(() => s3.close());
  const index = ({ url, files }: FakePypi) =>
    `{ upstream: "${url}simple/", evidence: index, file_hosts: ["127.0.0.1:${files.port}"], max_age: 1 }`;
  const config = join(directory, 'verbatim.yaml');
  const lines = [
    'indexes:',
    `  private: ${index(own)}`,
    `  public: ${index(open)}`,
    '  main: { of: [private, public] }',
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  const flags = ['--config', config, '--seal-key-file', join(directory, 'seal.key')];
  flags.push('--fleet-state', `s3://${S3_BUCKET}/fleet?endpoint=${s3.url}`);
  const replicas: RunningVerbatim[] = [];
  for (const name of ['one', 'other']) {
    const server = await startVerbatim(flags, join(directory, name), { env });
    onTestFinished(() => server.close());
    replicas.push(server);
  }
  const says = async (simple: string): Promise<string> => {
    const answer = await fetch(`${simple}shared/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
    const text = await answer.text();
    if (answer.status !== 200) return JSON.parse(text).reason;
    const { files }: SimplePage = JSON.parse(text);
    return String(files.map(({ filename }) => filename));
  };
  const all = () => Promise.all(replicas.map(({ simple }) => says(simple)));
  const patience = { timeout: 60_000, interval: 250 };
  await expect.poll(all, patience).toEqual([OURS.filename, OURS.filename]);
  own.removeProject('shared');
  await expect.poll(all, patience).toEqual(['regressed', 'regressed']);
  expect(open.asked('shared')).toEqual([]);
  const words = ['accept-change', 'private', 'shared', '--removed', '--reason', 'given up'];
  const said = await verbatimWith(env, ...words, ...flags, '--data', join(directory, 'one'), '--json');
  expect([said.code, said.stderr]).toEqual([0, '']);
  await expect.poll(all, patience).toEqual([THEIRS.filename, THEIRS.filename]);
}, 240_000);
