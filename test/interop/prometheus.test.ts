import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { freePort } from '../support/free-port.ts';
import { readDashboards } from '../support/grafana.ts';
import { PROMETHEUS } from '../support/promtool.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';

// Faults of the real program, seen by a real Prometheus: the alert fires, none that was not expected, and is over after the repair.

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = { accept: 'application/vnd.pypi.simple.v1+json' };
/** Windows and waits of the rules, shortened so that a fault is over while somebody looks. */
const WINDOW = '8s';
/** A machine that is busy scrapes late. */
const PATIENCE = { timeout: 90_000, interval: 300 };
/** Told only where it is configured, and here it is not. */
const ELSEWHERE = /verbatim_(tuf_role|import|fleet|redis|workers|heard|lease|clock_ahead)/;

let root: string;
let pypi: FakePypi;
let mirror: RunningVerbatim;
let prometheus: string;
let adminPort: number;
let port: number;
let traffic: NodeJS.Timeout;
const ends: (() => Promise<unknown>)[] = [];

const data = () => join(root, 'data');
const startMirror = () =>
  startVerbatim(
    [
      ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
      ...['--max-age', '1', '--log-level', 'error'],
      ...['--admin-port', `${adminPort}`, '--port', `${port}`],
    ],
    data(),
  );
/** What a client is answered, or nothing. */
const status = async (path: string) =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: PAGE })
    .then(async (answer) => {
      await answer.arrayBuffer();
      return answer.status;
    })
    .catch(() => 0);

async function filePath(project: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/simple/${project}/`, { headers: PAGE });
  const page = (await answer.json()) as { readonly files: readonly { readonly url: string }[] };
  return new URL(page.files[0]?.url ?? '', answer.url).pathname;
}

async function asked(path: string): Promise<unknown> {
  const { data: found } = (await (await fetch(`${prometheus}/api/v1/${path}`)).json()) as { readonly data: unknown };
  return found;
}

async function firing(): Promise<readonly string[]> {
  const { alerts } = (await asked('alerts')) as {
    readonly alerts: readonly { readonly state: string; readonly labels: { readonly alertname: string } }[];
  };
  return [...new Set(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname))].sort();
}

async function values(query: string): Promise<readonly string[]> {
  const { result } = (await asked(`query?query=${encodeURIComponent(query)}`)) as {
    readonly result: readonly { readonly value: readonly [number, string] }[];
  };
  return result.map(({ value }) => value[1]);
}

/** The command of an alert's page, with what it promises of its output. */
async function runbook(alert: string): Promise<{ readonly said: string; readonly promised: string }> {
  const page = await readFile(join(ROOT, 'docs/runbooks', `${alert}.md`), 'utf8');
  const [, command = '', promised = ''] = /```sh\n(.*)\n```\n\nIt says, among the rest: `(.*)`\n/.exec(page) ?? [];
  const here = command
    .replace(
      /^verbatim (.*) --config …/,
      `'${process.execPath}' '${join(ROOT, 'src/main.ts')}' $1 --data '${data()}' --upstream '${pypi.url}simple/'`,
    )
    .replace(':9141/', `:${adminPort}/`);
  const { stdout, stderr } = await run('sh', ['-c', here]).catch((error: { stdout: string; stderr: string }) => error);
  return { said: stdout + stderr, promised };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'verbatim-prometheus-'));
  await mkdir(data());
  [adminPort, port] = [await freePort(), await freePort()];
  pypi = await startFakePypi({ maxAge: 1 });
  for (const name of ['alpha', 'beta', 'gamma']) pypi.upload(name, tinyWheel(name));
  mirror = await startMirror();
  const rules = (await readFile(join(ROOT, 'config/alerts.rules.yml'), 'utf8'))
    .replace(/\[\d+[md]\]/g, `[${WINDOW}]`)
    .replace(/^( +for:) .*$/gm, '$1 1s');
  await writeFile(join(root, 'rules.yml'), rules);
  await writeFile(
    join(root, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yml'],
      scrape_configs: [{ job_name: 'verbatim', static_configs: [{ targets: [`127.0.0.1:${adminPort}`] }] }],
    }),
  );
  const at = await freePort();
  prometheus = `http://127.0.0.1:${at}`;
  const child = spawn(
    PROMETHEUS ?? 'prometheus',
    [
      `--config.file=${join(root, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(root, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${at}`,
    ],
    { stdio: 'ignore' },
  );
  ends.push(async () => {
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    await ended;
  });
  await vi.waitFor(async () => expect((await fetch(`${prometheus}/-/ready`)).status).toBe(200), PATIENCE);
  await status(await filePath('alpha'));
  traffic = setInterval(() => void status('/simple/alpha/'), 250);
  const pages = 'increase(verbatim_http_requests_total{code="200",route="page"}[8s]) > 0';
  await vi.waitFor(async () => expect(await values(pages)).not.toEqual([]), PATIENCE);
}, 120_000);
afterAll(async () => {
  clearInterval(traffic);
  await mirror.close();
  for (const end of ends) await end();
  await pypi.close();
  await rm(root, { recursive: true, force: true });
});

interface Fault {
  readonly alert: string;
  /** What follows from the same fault. */
  readonly also?: readonly string[];
  readonly strike: () => Promise<unknown>;
  readonly repair: () => Promise<unknown>;
}

const unreadable = (sent: { readonly body: unknown }) => ({ ...sent, body: Buffer.from('{') });

const FAULTS: readonly Fault[] = [
  {
    alert: 'VerbatimUpstreamFailing',
    also: ['VerbatimStale', 'VerbatimErrors'],
    strike: async () => pypi.index.fault('*', { kind: 'reset' }),
    repair: async () => pypi.heal(),
  },
  {
    alert: 'VerbatimStale',
    also: ['VerbatimUpstreamFailing', 'VerbatimErrors'],
    strike: async () => pypi.index.fault('*', { kind: 'reset' }),
    repair: async () => pypi.heal(),
  },
  {
    alert: 'VerbatimHeldBack',
    also: ['VerbatimStale', 'VerbatimErrors'],
    strike: async () => pypi.page('alpha', unreadable as never),
    repair: async () => pypi.heal(),
  },
  {
    alert: 'VerbatimErrors',
    also: ['VerbatimUpstreamFailing', 'VerbatimStale'],
    async strike() {
      pypi.index.fault('*', { kind: 'reset' });
      expect(await status('/simple/gamma/')).toBe(503);
    },
    repair: async () => pypi.heal(),
  },
  {
    alert: 'VerbatimDown',
    async strike() {
      await mirror.close();
    },
    async repair() {
      mirror = await startMirror();
    },
  },
];

describe.runIf(requirePart('prometheus', PROMETHEUS))('a real Prometheus', () => {
  it('is told of nothing while all is well', async () => {
    await expect.poll(firing, PATIENCE).toEqual([]);
  });

  it('has an answer to each query of each panel, and none that is no number', async () => {
    const panels = (await readDashboards()).flatMap((board) => board.panels);
    const empty: string[] = [];
    for (const { title, targets } of panels)
      for (const { expr } of targets) {
        const query = expr
          .replaceAll('$job', 'verbatim')
          .replaceAll('$instance', '.+')
          .replaceAll('$__rate_interval', '1m');
        const found = await values(query);
        expect([title, found.filter((value) => value === 'NaN')]).toEqual([title, []]);
        if (found.length === 0 && !ELSEWHERE.test(expr)) empty.push(title);
      }
    expect(empty).toEqual([]);
  });

  it.each(FAULTS)(
    'fires $alert, its page helps, and it is over after the repair',
    async ({ alert, also = [], strike, repair }) => {
      await expect.poll(firing, PATIENCE).toEqual([]);
      await strike();
      await expect.poll(firing, PATIENCE).toContain(alert);
      const { said, promised } = await runbook(alert);
      expect(promised).not.toBe('');
      expect(said).toContain(promised);
      expect((await firing()).filter((each) => each !== alert && !also.includes(each))).toEqual([]);
      await repair();
      await expect.poll(firing, PATIENCE).toEqual([]);
    },
    400_000,
  );
});
