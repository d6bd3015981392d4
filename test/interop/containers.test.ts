import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ROOT, readServices, type Service } from '../support/compose.ts';
import { boxReaders } from '../support/environments.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { freePort } from '../support/free-port.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// The files for containers, read by those who know their forms, and the processes that they name started by hand with their very
// arguments: there need be no container engine here.

const run = promisify(execFile);
const bin = await boxReaders();
const MAIN = join(ROOT, 'src', 'main.ts');

const services = await readServices();
const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8');

describe.runIf(requirePart('hadolint and check-jsonschema', bin))('the files for containers', () => {
  it('hold by the rules for Dockerfiles', async () => {
    await expect(run(join(bin ?? '', 'hadolint'), ['Dockerfile'], { cwd: ROOT })).resolves.toMatchObject({
      stdout: '',
    });
  });

  it('have the form that Compose reads', async () => {
    const args = ['--builtin-schema', 'vendor.compose-spec', 'docker-compose.yml'];
    await expect(run(join(bin ?? '', 'check-jsonschema'), args, { cwd: ROOT })).resolves.toBeDefined();
  });
});

describe('what runs in a container', () => {
  it('has no shell and no user of its own, and writes to its volumes alone', () => {
    expect(dockerfile).toMatch(/^FROM gcr\.io\/distroless\/.*:nonroot$/m);
    expect(dockerfile).toMatch(/^USER 65532:65532$/m);
    for (const [name, service] of Object.entries(services)) {
      expect([name, service.read_only, service.cap_drop]).toEqual([name, true, ['ALL']]);
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  it('begins with one mirror, Redis, Prometheus and Grafana, and the profile adds two replicas behind a balancer', () => {
    const named = (profile?: string) =>
      Object.entries(services).flatMap(([name, { profiles }]) => (profiles?.[0] === profile ? [name] : []));
    expect(named()).toEqual(['verbatim', 'seal', 'redis', 'prometheus', 'grafana']);
    expect(named('fleet')).toEqual(['replica-1', 'replica-2', 'balancer']);
  });
});

/** As a replica is started: what its environment and its arguments come to. */
function drainOf({ command = [], environment = {} }: Service): Config['server'] {
  expect(command.filter((word) => word.startsWith('--drain'))).toEqual([]);
  return loadConfig({ env: environment, flags: { upstream: 'https://index.example/simple/' } }).server;
}

describe('a replica that stops', () => {
  it('serves on until the balancer has seen that it is not ready, and is given the time to end', async () => {
    const balancer = await readFile(join(ROOT, 'config', 'haproxy.cfg'), 'utf8');
    expect(balancer).toMatch(/^ {2}option httpchk GET \/readyz$/m);
    const [, inter = '', fall = ''] = /check inter (\d+)s fall (\d+) /.exec(balancer) ?? [];
    const noticed = Number(inter) * Number(fall);
    const replicas = Object.entries(services).filter(([name]) => name.startsWith('replica-'));
    expect(replicas).toHaveLength(2);
    for (const [, replica] of replicas) {
      const { drain = 0, grace } = drainOf(replica);
      expect(drain).toBeGreaterThan(noticed);
      expect(Number.parseInt(replica.stop_grace_period ?? '', 10)).toBeGreaterThan(drain + grace);
    }
  });

  it('alone, stops at once, and is given the time to end', () => {
    const { verbatim = {} } = services;
    const { drain, grace } = drainOf(verbatim);
    expect(drain ?? 0).toBe(0);
    expect(Number.parseInt(verbatim.stop_grace_period ?? '', 10)).toBeGreaterThan(grace);
  });
});

/** The health check of the image, for a server on another port. */
function healthCheck(port: number): readonly [string, readonly string[]] {
  const [, json = ''] = /^HEALTHCHECK[^\n]*\\\n {2}CMD (\[.*\])$/m.exec(dockerfile) ?? [];
  const [, ...args] = JSON.parse(json) as readonly string[];
  return [process.execPath, args.map((arg) => arg.replace('127.0.0.1:3141', `127.0.0.1:${port}`))];
}

describe('the processes of docker-compose.yml', () => {
  let root: string;
  let pypi: FakePypi;
  const stops: (() => Promise<unknown>)[] = [];

  const inRoot = (text: string) => text.replaceAll('/data', join(root, 'data')).replaceAll('/keys', join(root, 'keys'));
  const started = (command: string, args: readonly string[]) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    stops.push(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    return child;
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'verbatim-compose-'));
    await mkdir(join(root, 'keys'));
    pypi = await startFakePypi();
    pypi.upload('alpha', tinyWheel('alpha'));
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
    await pypi.close();
    await rm(root, { recursive: true, force: true });
  });

  it('make the key once', async () => {
    const [, ...args] = services['seal']?.entrypoint ?? [];
    const key = join(root, 'keys', 'seal.key');
    await run(process.execPath, args.map(inRoot));
    const made = await readFile(key, 'utf8');
    expect(Buffer.from(made, 'base64')).toHaveLength(32);
    expect((await stat(key)).mode & 0o777).toBe(0o400);
    await run(process.execPath, args.map(inRoot));
    expect(await readFile(key, 'utf8')).toBe(made);
  });

  it('serve a page beside Redis, and are healthy', async () => {
    const redisPort = await freePort();
    const [redis = '', ...redisArgs] = services['redis']?.command ?? [];
    started(redis, [...redisArgs, '--port', `${redisPort}`, '--bind', '127.0.0.1']);
    const args = (services['verbatim']?.command ?? []).map((arg) =>
      inRoot(
        arg
          .replace('0.0.0.0', '127.0.0.1')
          .replace('redis:6379', `127.0.0.1:${redisPort}`)
          .replace('--admin-port=9141', '--admin-port=0'),
      ),
    );
    const server = started(process.execPath, [MAIN, ...args, '--json', '--port=0', `--upstream=${pypi.url}simple/`]);
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
    const { simple } = JSON.parse(line) as { readonly simple: string };
    const page = await fetch(`${simple}alpha/`);
    expect([page.status, page.headers.get('verbatim-evidence')]).toEqual([200, 'index']);
    expect(await page.text()).toContain('alpha-1.0-py3-none-any.whl');
    await expect(run(...(healthCheck(Number(new URL(simple).port)) as [string, string[]]))).resolves.toBeDefined();
    // Besides the one that asks.
    const clients = async () => {
      const { stdout } = await run('redis-cli', ['-p', `${redisPort}`, 'client', 'list']);
      return stdout.trim().split('\n').length;
    };
    await expect.poll(clients).toBeGreaterThan(1);
  });

  it('are not healthy where nobody answers', async () => {
    await expect(run(...(healthCheck(await freePort()) as [string, string[]]))).rejects.toMatchObject({ code: 1 });
  });
});
