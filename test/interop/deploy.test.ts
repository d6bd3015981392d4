import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { ROOT } from '../support/compose.ts';
import { boxReaders } from '../support/environments.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { freePort } from '../support/free-port.ts';
import { notice, requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';

// The files of deploy/, read by those who know their forms, and the processes that they name started by hand with their very arguments:
// there need be neither a cluster nor systemd here.

const run = promisify(execFile);
const DEPLOY = join(ROOT, 'deploy');
const MANIFESTS = join(DEPLOY, 'kubernetes');
const UNIT = join(DEPLOY, 'systemd', 'verbatim.service');
const bin = await boxReaders();

type Labels = Readonly<Record<string, string>>;
interface Port {
  readonly name: string;
  readonly port?: number | string;
  readonly containerPort?: number;
  readonly targetPort?: string;
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly Port[];
  readonly securityContext: unknown;
  readonly resources: unknown;
  readonly [probe: `${string}Probe`]: {
    readonly httpGet?: { readonly path: string; readonly port: string };
    readonly periodSeconds?: number;
    readonly failureThreshold?: number;
  };
}
interface Pod {
  readonly metadata: { readonly labels: Labels };
  readonly spec: {
    readonly containers: readonly [Container];
    readonly automountServiceAccountToken: boolean;
    readonly enableServiceLinks: boolean;
    readonly terminationGracePeriodSeconds: number;
    readonly securityContext: unknown;
  };
}
/** Of any kind: the members of each are undefined in the others. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Labels };
  readonly data: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas: number;
    readonly serviceName: string;
    readonly template: Pod;
    readonly selector: { readonly matchLabels: Labels } & Labels;
    readonly podSelector: { readonly matchLabels: Labels };
    readonly ports: readonly Port[];
    readonly jobLabel: string;
    readonly endpoints: readonly { readonly port: string; readonly path: string }[];
    readonly ingress: readonly { readonly ports: readonly Port[] }[];
  };
}

const files = (await readdir(MANIFESTS)).filter((name) => name.endsWith('.yaml'));
const manifests: readonly Manifest[] = (
  await Promise.all(files.map((name) => readFile(join(MANIFESTS, name), 'utf8')))
).flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));

const of = (kind: string, name = 'verbatim'): Manifest =>
  manifests.find((each) => each.kind === kind && each.metadata.name === name) ??
  expect.fail(`there is no ${kind} ${name}`);
const pods = manifests.filter(({ spec }) => spec?.template !== undefined).map(({ spec }) => spec.template);
const mirror = () => of('StatefulSet').spec.template.spec.containers[0];
const drainIn = (args: readonly string[]) => Number(args.find((arg) => arg.startsWith('--drain='))?.split('=')[1]);
const picks = (selector: Labels, labels: Labels) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

describe.runIf(requirePart('kubernetes-validate', bin))('the manifests', () => {
  it.each(files.filter((name) => name !== 'monitoring.yaml'))(
    'have the form that Kubernetes reads: %s',
    async (name) => {
      const file = join(MANIFESTS, name);
      const { stdout, stderr } = await run(join(bin ?? '', 'kubernetes-validate'), ['--strict', file]);
      expect(stdout + stderr).not.toMatch(/WARN|ERROR/);
    },
  );
});

describe('the manifests', () => {
  it('let nothing run as root, write to its image or speak to the cluster, and none without a bound of memory', () => {
    expect(pods).toHaveLength(2);
    for (const { spec } of pods) {
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            resources: { requests: { cpu: expect.any(String) }, limits: { memory: expect.any(String) } },
          },
        ],
      });
    }
  });

  it('restart by the event loop alone, and send requests to who is ready', () => {
    expect(mirror()).toMatchObject({
      startupProbe: { httpGet: { path: '/livez', port: 'http' } },
      livenessProbe: { httpGet: { path: '/livez', port: 'http' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
    });
  });

  it('pick what there is, by ports that have that name', () => {
    const named = pods.flatMap(({ spec }) => spec.containers[0].ports.map(({ name }) => name));
    const selectors = manifests.flatMap(({ kind, spec }) => {
      if (kind === 'Service') return [spec.selector];
      return kind === 'PodDisruptionBudget' ? [spec.selector.matchLabels] : (spec?.podSelector?.matchLabels ?? []);
    });
    expect(selectors).toHaveLength(6);
    for (const selector of selectors)
      expect(pods.filter(({ metadata }) => picks(selector, metadata.labels))).toHaveLength(1);
    for (const { kind, spec } of manifests) {
      if (kind === 'Service') for (const { targetPort } of spec.ports) expect(named).toContain(targetPort);
      if (kind === 'NetworkPolicy')
        for (const { port } of spec.ingress.flatMap(({ ports }) => ports)) expect(named).toContain(port);
    }
  });

  it('have Prometheus scrape each replica under the job that the alert rules ask for', async () => {
    const { spec } = of('ServiceMonitor');
    const services = manifests.filter(
      ({ kind, metadata }) => kind === 'Service' && picks(spec.selector.matchLabels, metadata.labels),
    );
    expect(services.map(({ metadata }) => metadata.name)).toEqual(['verbatim-replicas']);
    expect(services[0]?.metadata.labels[spec.jobLabel]).toBe('verbatim');
    expect(spec.endpoints.map(({ port }) => port)).toEqual(['metrics']);
    expect(services[0]?.spec.ports.map(({ name }) => name)).toContain('metrics');
    const [, command = ''] =
      /^```sh\n(\{ printf .*)\n```$/m.exec(await readFile(join(DEPLOY, 'README.md'), 'utf8')) ?? [];
    const { stdout } = await run('sh', ['-c', command.replace(' > rules.yaml', '')], { cwd: ROOT });
    const { groups } = parse(await readFile(join(ROOT, 'config', 'alerts.rules.yml'), 'utf8'));
    expect(parse(stdout)).toMatchObject({ kind: 'PrometheusRule', spec: { groups } });
  });

  it('name the version that this is', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const texts = [mirror().image, await readFile(join(DEPLOY, 'README.md'), 'utf8')];
    const named = texts.flatMap((text) => [...text.matchAll(/verbatim[:-](\d+\.\d+\.\d+)/g)].map(([, said]) => said));
    expect(new Set(named)).toEqual(new Set([version]));
  });
});

/** Where a program of this machine is, or undefined, said aloud. */
async function found(program: string): Promise<string | undefined> {
  return run(program, ['--version']).then(
    () => program,
    () => notice(`${program} is missing here: its tests are SKIPPED.`) as undefined,
  );
}
const systemd = await found('systemd-analyze');

/** The unit, where this node stands for the one it asks for. */
async function unitHere(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-unit-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const unit = join(directory, 'verbatim.service');
  await writeFile(unit, (await readFile(UNIT, 'utf8')).replace('/usr/bin/node', process.execPath));
  return unit;
}

describe.runIf(systemd)('the unit', () => {
  it('has the form that systemd reads', async () => {
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', await unitHere()]);
    expect(stdout + stderr).toBe('');
  });

  it('is exposed to little, by the measure of systemd', async () => {
    const args = ['security', '--offline=true', '--threshold=20', await unitHere()];
    await expect(run('systemd-analyze', args)).resolves.toBeDefined();
  });
});

describe('the processes of deploy/', () => {
  let root: string;
  let pypi: FakePypi;
  const running: RunningVerbatim[] = [];
  const wheel = tinyWheel('alpha', '1.0', '.'.repeat(100_000));

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'verbatim-deploy-'));
    pypi = await startFakePypi();
    pypi.upload('alpha', wheel);
    await writeFile(join(root, 'seal.key'), 'what all replicas of this test know', { mode: 0o600 });
  });
  afterAll(async () => {
    await Promise.all(running.map((each) => each.close()));
    await pypi.close();
    await rm(root, { recursive: true, force: true });
  });

  /** With these arguments behind `serve`; what they read, where they write and where they listen is another place here. */
  async function started(
    name: string,
    args: readonly string[],
    place: (text: string) => string,
    port = 0,
  ): Promise<RunningVerbatim> {
    const data = join(root, name);
    await mkdir(data);
    const here = args
      .map((arg) => place(arg).replace('0.0.0.0', '127.0.0.1').replace('--admin-port=9141', '--admin-port=0'))
      .map((arg) => (arg === '9141' ? '0' : arg));
    const server = await startVerbatim([...here, '--port', `${port}`], data);
    running.push(server);
    return server;
  }

  async function answers({ simple, metrics = '' }: RunningVerbatim): Promise<string> {
    const { origin } = new URL(simple);
    for (const path of ['/livez', '/readyz']) expect([path, (await fetch(origin + path)).status]).toEqual([path, 200]);
    expect(await (await fetch(metrics)).text()).toContain('verbatim_build_info');
    const page = await fetch(`${simple}alpha/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
    const { files: listed } = (await page.json()) as { readonly files: readonly [{ readonly url: string }] };
    const file = await fetch(new URL(listed[0].url, page.url));
    expect(Buffer.from(await file.arrayBuffer()).equals(wheel.bytes)).toBe(true);
    return origin;
  }

  const settingsHere = (text: string) =>
    text.replace('https://pypi.org/simple/', `${pypi.url}simple/\n    file_hosts: ["127.0.0.1:${pypi.files.port}"]`);

  it('of Kubernetes: two replicas that have files from each other', async () => {
    const { replicas, serviceName } = of('StatefulSet').spec;
    const ports = [await freePort(), await freePort()];
    let configuration = settingsHere(of('ConfigMap').data['verbatim.yaml'] ?? '');
    for (let at = 0; at < replicas; at++) {
      const name = `http://verbatim-${at}.${serviceName}:${mirror().ports[0]?.containerPort}`;
      expect(configuration).toContain(name);
      configuration = configuration.replace(name, `http://127.0.0.1:${ports[at]}`);
    }
    const { metadata, spec } = of('Service', 'verbatim-redis');
    expect(configuration).toContain(`redis://${metadata.name}:${spec.ports[0]?.port}/0`);
    // Nobody listens there: each works alone.
    configuration = configuration.replace(`${metadata.name}:6379`, `127.0.0.1:${await freePort()}`);
    await writeFile(join(root, 'verbatim.yaml'), configuration.replace('/keys/', `${root}/`));
    const [command, ...args] = mirror().args;
    expect(command).toBe('serve');
    const fetched = () => pypi.files.requests.filter(({ url }) => url === pypi.storedAt(wheel)).length;
    const before = fetched();
    for (const [at, port] of ports.entries()) {
      const place = (text: string) =>
        text
          .replace('/etc/verbatim', root)
          .replace('/keys', root)
          .replace('/data', join(root, `data-${at}`));
      expect(await answers(await started(`data-${at}`, args, place, port))).toBe(`http://127.0.0.1:${port}`);
    }
    expect(fetched() - before).toBe(1);
  });

  it('of systemd: one mirror', async () => {
    const unit = await readFile(UNIT, 'utf8');
    const [, line = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
    const [program, script, command, ...args] = line.split(' ');
    expect([program, script, command]).toEqual(['/usr/bin/node', '/opt/verbatim/verbatim.mjs', 'serve']);
    const config = settingsHere(await readFile(join(DEPLOY, 'systemd', 'verbatim.yaml'), 'utf8'));
    await writeFile(join(root, 'service.yaml'), config);
    const place = (text: string) =>
      text
        .replace('/etc/verbatim/verbatim.yaml', join(root, 'service.yaml'))
        // biome-ignore lint/suspicious/noTemplateCurlyInString: as systemd has it
        .replace('${CREDENTIALS_DIRECTORY}', root)
        // biome-ignore lint/suspicious/noTemplateCurlyInString: as systemd has it
        .replace('${STATE_DIRECTORY}', join(root, 'state'));
    await answers(await started('state', args, place));
  });

  it('stop in time: longer than they drain and than the answers under way are waited for', async () => {
    const { terminationGracePeriodSeconds } = of('StatefulSet').spec.template.spec;
    const { grace } = loadConfig({ env: {}, flags: { upstream: 'https://index.example/simple/' } }).server;
    const drain = drainIn(mirror().args);
    expect(terminationGracePeriodSeconds).toBeGreaterThan(drain + grace);
    const unit = await readFile(UNIT, 'utf8');
    const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(unit) ?? [];
    // No balancer stands before it.
    expect(unit).not.toContain('--drain');
    expect(Number(seconds)).toBeGreaterThan(grace);
  });

  it('are not ready for long enough to be passed over before they refuse anything', () => {
    const { periodSeconds, failureThreshold } = mirror()['readinessProbe'] ?? {};
    expect(drainIn(mirror().args)).toBeGreaterThan(Number(periodSeconds) * Number(failureThreshold));
    const { periodSeconds: every, failureThreshold: times } = mirror()['startupProbe'] ?? {};
    // A start proves what it holds first.
    expect(Number(every) * Number(times)).toBeGreaterThanOrEqual(300);
  });
});
