import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { ROOT, readServices } from '../support/compose.ts';
import { freePort } from '../support/free-port.ts';
import { PROMETHEUS } from '../support/promtool.ts';

/** A machine that is busy scrapes late, and a test waits for several of these. */
export const PATIENCE = { timeout: 240_000, interval: 200 };
export const LONGEST_WALK = 900_000;
/** Of the rules, shortened so that a fault is over while somebody looks: some scrapes, though one of them is missed. */
const WINDOW = '12s';

/** A real Prometheus that judges the rules of config/, faster than where they are meant for. */
export interface Prometheus {
  /** `ALERT INSTANCE`, or the alert alone where it is of no one instance. */
  readonly firing: () => Promise<readonly string[]>;
  readonly values: (query: string) => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** With the arguments of docker-compose.yml and the configuration of config/; `targets`: port of loopback, by instance. */
export async function startPrometheus(
  directory: string,
  targets: Readonly<Record<string, number>>,
): Promise<Prometheus> {
  await mkdir(directory, { recursive: true });
  await writeConfiguration(directory, targets);
  const port = await freePort();
  const { prometheus } = await readServices();
  const args = (prometheus?.command ?? []).map((arg) =>
    arg.replace('/etc/prometheus', directory).replace('=/prometheus', `=${join(directory, 'tsdb')}`),
  );
  const child = spawn(PROMETHEUS ?? 'prometheus', [...args, `--web.listen-address=127.0.0.1:${port}`], {
    stdio: 'ignore',
  });
  const base = `http://127.0.0.1:${port}`;
  const ready = async () => expect((await fetch(`${base}/-/ready`)).status).toBe(200);
  await vi.waitFor(ready, PATIENCE);
  const asked = async (path: string): Promise<unknown> =>
    ((await (await fetch(`${base}/api/v1/${path}`)).json()) as { readonly data: unknown }).data;
  return {
    async firing() {
      const { alerts } = (await asked('alerts')) as { readonly alerts: readonly Alert[] };
      const told = alerts.filter(({ state }) => state === 'firing');
      return [...new Set(told.map(({ labels }) => [labels.alertname, labels.instance ?? []].flat().join(' ')))].sort();
    },
    async values(query) {
      const { result } = (await asked(`query?query=${encodeURIComponent(query)}`)) as {
        readonly result: readonly { readonly value: readonly [number, string] }[];
      };
      return result.map(({ value }) => value[1]);
    },
    async close() {
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

interface Alert {
  readonly state: string;
  readonly labels: { readonly alertname: string; readonly instance?: string };
}

interface Configuration {
  readonly scrape_configs: readonly { readonly job_name: string }[];
}

/** As it is in config/, but for how often and where: names of containers lead nowhere here. */
async function writeConfiguration(directory: string, targets: Readonly<Record<string, number>>): Promise<void> {
  const read = (name: string) => readFile(join(ROOT, 'config', name), 'utf8');
  const rules = (await read('alerts.rules.yml'))
    .replace(/\[\d+[md]\]/g, `[${WINDOW}]`)
    .replace(/^( +for:) .*$/gm, '$1 1s')
    // Scrapes that come late on a busy machine are no mirror that is away.
    .replace(/(alert: VerbatimDown\n(?:.*\n)*? +for:) 1s/, '$1 20s');
  await writeFile(join(directory, 'alerts.rules.yml'), rules);
  const given = parse(await read('prometheus.yml')) as Configuration;
  const configuration = {
    ...given,
    global: { scrape_interval: '2s', evaluation_interval: '1s' },
    scrape_configs: given.scrape_configs.map(({ job_name }) => ({
      job_name,
      static_configs: Object.entries(targets).map(([instance, port]) => ({
        targets: [`127.0.0.1:${port}`],
        labels: { instance },
      })),
    })),
  };
  await writeFile(join(directory, 'prometheus.yml'), stringify(configuration));
}
