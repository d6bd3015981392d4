import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FaultWalk, type Watched } from '../../rigs/fault-walk.ts';
import { LONGEST_WALK, PATIENCE, type Prometheus } from '../../rigs/prometheus.ts';
import { readServices } from '../../support/compose.ts';
import { pipOfToday } from '../../support/environments.ts';
import { type FakePypi, startFakePypi } from '../../support/fake-pypi.ts';
import { freePort } from '../../support/free-port.ts';
import { readDashboards } from '../../support/grafana.ts';
import { PROMETHEUS } from '../../support/promtool.ts';
import { clientEnvironment, requirePart } from '../../support/python.ts';
import { now, type Rig, startRig } from '../../support/rig.ts';
import { S3_BUCKET, S3_KEYS } from '../../support/s3.ts';
import { startS3Server } from '../../support/s3-server.ts';
import { Sender, signingKey } from '../../support/sender.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { verbatim } from '../../support/verbatim.ts';

// What docker-compose.yml starts, by its arguments: a mirror of three kinds of indexes, Redis and Prometheus; beside them a replica of
// a fleet, with two processes. pip installs all the while.

const run = promisify(execFile);
const pip = await pipOfToday();

let walk: FaultWalk;
let pypi: FakePypi;
let rig: Rig;
let store: Awaited<ReturnType<typeof startS3Server>>;
let redis: ChildProcess;
let redisPort: number;
let mirror: Watched;
let prometheus: Prometheus;
/** How each installation ended. */
const installs: number[] = [];
let isOver = false;
let installing = Promise.resolve();

async function startRedis(): Promise<void> {
  const [program = '', ...args] = (await readServices())['redis']?.command ?? [];
  redis = spawn(program, [...args, '--port', `${redisPort}`, '--bind', '127.0.0.1'], { stdio: 'ignore' });
  await vi.waitFor(() => run('redis-cli', ['-p', `${redisPort}`, 'ping']), PATIENCE);
}

async function stopRedis(): Promise<void> {
  if (redis.exitCode !== null || redis.signalCode !== null) return;
  const ended = once(redis, 'close');
  redis.kill('SIGKILL');
  await ended;
}

/** What the mirror is told there; where it listens and writes is another place here. */
async function flagsOf(service: string): Promise<readonly string[]> {
  const { command = [] } = (await readServices())[service] ?? {};
  return command
    .slice(1)
    .filter((flag) => !/^--(data|host|admin-port|admin-host)=/.test(flag))
    .map((flag) => flag.replace('/keys', walk.directory).replace('redis:6379', `127.0.0.1:${redisPort}`));
}

async function writeLandscape(): Promise<string> {
  const key = await signingKey();
  const sender = new Sender([key], now());
  sender.put('alpha', tinyWheel('alpha'));
  const { url } = rig.upstream;
  const signed = { root: rig.root, layout: 'pep458', files_url: `${url}targets/`, pages_url: `${url}targets/` };
  const open = { evidence: 'index', upstream: `${pypi.url}simple/`, file_hosts: [`127.0.0.1:${pypi.files.port}`] };
  const path = join(walk.directory, 'verbatim.yaml');
  const indexes = {
    public: { ...open, max_age: 1 },
    signed: { ...signed, upstream: url, refresh: 1 },
    carried: { evidence: 'index', import: { keys: [{ name: 'outside', ed25519: key.public }] } },
  };
  // Room for one large file, so that the other is fetched again.
  await writeFile(path, JSON.stringify({ data: 'mirror', cache: { max_bytes: 150_000 }, indexes }));
  const bundle = join(walk.directory, '1.tar');
  await writeFile(
    bundle,
    (
      await sender.bundle({
        header: { index: { name: 'carried', evidence: 'index', upstream: 'https://index.example/simple/' } },
      })
    ).whole,
  );
  const sealed = ['--seal-key-file', join(walk.directory, 'seal.key')];
  expect(await verbatim('import', bundle, '--config', path, '--index', 'carried', ...sealed)).toMatchObject({
    code: 0,
  });
  return path;
}

async function install(): Promise<void> {
  for (let turn = 0; !isOver; turn++) {
    const target = join(walk.directory, 'installed', `${turn}`);
    const args = [
      'install',
      '--no-cache-dir',
      '--target',
      target,
      '--index-url',
      `${mirror.url}/public/simple/`,
      'alpha',
    ];
    installs.push(
      await run(join(pip ?? '', 'pip'), args, { env: clientEnvironment() }).then(
        () => 0,
        ({ code }) => code,
      ),
    );
  }
}

beforeAll(async () => {
  [walk, pypi, store, redisPort] = await Promise.all([
    FaultWalk.begin(),
    startFakePypi({ maxAge: 1 }),
    startS3Server(),
    freePort(),
  ]);
  rig = await startRig({ wheels: [] });
  rig.index.upload('alpha', tinyWheel('alpha'));
  rig.index.publish();
  pypi.upload('alpha', tinyWheel('alpha'));
  for (const version of ['1.0', '2.0']) pypi.upload('large', tinyWheel('large', version, version.padEnd(100_000, '.')));
  await writeFile(join(walk.directory, 'seal.key'), randomBytes(32).toString('base64'), { mode: 0o600 });
  await mkdir(join(walk.directory, 'installed'));
  await startRedis();
  const flags = ['--config', await writeLandscape()];
  mirror = await walk.mirror('mirror', flags, { serving: await flagsOf('verbatim') });
  const state = ['--fleet-state', `s3://${S3_BUCKET}/fleet?endpoint=${store.url}`, '--workers', '2'];
  const env = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
  const replica = await walk.mirror('replica', ['--upstream', `${pypi.url}simple/`], {
    serving: [...(await flagsOf('replica-1')), ...state, '--max-age', '1'],
    env,
  });
  for (const index of ['public', 'signed', 'carried']) mirror.meanwhile(() => mirror.ask(`/${index}/simple/alpha/`));
  replica.meanwhile(() => replica.ask('/simple/alpha/'));
  // What an operator should know, and clocks, are looked at once a minute, or when told to.
  mirror.meanwhile(() => process.kill(mirror.pid(), 'SIGHUP'), 1000);
  prometheus = await walk.watch();
  installing = install();
});
afterAll(async () => {
  isOver = true;
  await installing;
  await walk.close();
  await stopRedis();
  await Promise.all([pypi.close(), rig.close(), store.close()]);
});

describe.runIf(requirePart('pip of today', pip) && requirePart('prometheus', PROMETHEUS))('a whole landscape', () => {
  it(
    'is told of nothing while all is well',
    async () => {
      const pages = 'count by (instance) (increase(verbatim_http_requests_total{code="200",route="page"}[12s]) > 0)';
      await expect.poll(() => prometheus.values(pages), PATIENCE).toHaveLength(2);
      await expect.poll(() => installs, PATIENCE).toContain(0);
      expect(await walk.firing()).toEqual([]);
    },
    LONGEST_WALK,
  );

  it(
    'has an answer to each query of each panel, and none that is no number',
    async () => {
      const panels = (await readDashboards()).flatMap((board) => board.panels);
      const unanswered = async () => {
        const without: string[] = [];
        for (const { title, targets } of panels)
          for (const { expr } of targets) {
            const query = expr
              .replaceAll('$job', 'verbatim')
              .replaceAll('$instance', '.+')
              .replaceAll('$__rate_interval', '30s');
            const found = await prometheus.values(query);
            if (found.length === 0 || found.includes('NaN')) without.push(`${title}: ${found}`);
          }
        return without;
      };
      await expect.poll(unanswered, PATIENCE).toEqual([]);
    },
    LONGEST_WALK,
  );

  it(
    'tells of a Redis that is away and of a secret that all may read, and clients see neither',
    async () => {
      const key = join(walk.directory, 'seal.key');
      const large = await Promise.all([0, 1].map((at) => mirror.fileOf('/public/simple/large/', at)));
      const answers = new Set<number>();
      let turn = 0;
      let calm = () => {};
      await walk.through({
        alerts: [
          ['VerbatimLockLost', 'mirror'],
          ['VerbatimToKnow', 'mirror'],
        ],
        also: [
          ['VerbatimToKnow', 'replica'],
          // Until the one has left, both large files take more than there is room for.
          ['VerbatimDiskFull', 'mirror'],
        ],
        async strike() {
          await Promise.all([stopRedis(), chmod(key, 0o644)]);
          calm = mirror.meanwhile(async () => answers.add(await mirror.ask(large[turn++ % 2] ?? '')));
        },
        async repair() {
          await Promise.all([startRedis(), chmod(key, 0o600)]);
        },
      });
      calm();
      expect(answers).toEqual(new Set([200]));
      expect(new Set(installs)).toEqual(new Set([0]));
    },
    LONGEST_WALK,
  );
});
