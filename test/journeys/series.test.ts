import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, METHODS, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { PROMTOOL, promtool } from '../support/promtool.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';

// Who asks for what, and how, must add nothing to a scrape.

/** A million takes an hour: VERBATIM_TEST_FLOOD=1000000. */
const FLOOD = Number(process.env['VERBATIM_TEST_FLOOD'] ?? 10_000);
/** Every kind of path with every method and kind of Accept, once at least. */
const FIRST = 2500;
const AT_ONCE = 16;
/** Node's client speaks of these otherwise than by an answer. */
const ASKED = METHODS.filter((method) => method !== 'CONNECT');

let directory: string;
let pypi: FakePypi;
let mirror: RunningVerbatim;

beforeAll(async () => {
  pypi = await startFakePypi();
  pypi.upload('alpha', tinyWheel('alpha'));
  directory = await mkdtemp(join(tmpdir(), 'verbatim-series-'));
  const config = join(directory, 'verbatim.yaml');
  await writeFile(
    config,
    JSON.stringify({
      server: { trusted_proxies: ['127.0.0.1'] },
      log: { level: 'error' },
      // What nobody asked for comes when it comes.
      indexes: { main: { evidence: 'index', upstream: `${pypi.url}simple/`, look_ahead: { enabled: false } } },
    }),
  );
  mirror = await startVerbatim(['--config', config, '--admin-port', '0']);
});
afterAll(async () => {
  await mirror.close();
  await pypi.close();
  await rm(directory, { recursive: true, force: true });
});

const scraped = async () => (await fetch(mirror.metrics ?? '')).text();

/** Of ours; which kinds of handles are open is node's own affair. The clocks are compared once a minute, however many ask. */
async function series(): Promise<readonly string[]> {
  const lines = (await scraped()).split('\n').filter((line) => /^verbatim_(?!clock_ahead)/.test(line));
  return lines.map((line) => line.slice(0, line.lastIndexOf(' '))).sort();
}

/** The numbers up to this one, spread over some connections. */
async function flood(requests: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  let next = 0;
  const ask = async () => {
    while (next < requests) await strange(agent, next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  agent.destroy();
}

/** Nobody has asked like this before. */
function strange(agent: Agent, at: number): Promise<void> {
  const name = randomUUID();
  const path = [`/simple/${name}/`, `/${name}`, `/packages/${name}.whl`, `/simple/alpha/?${name}`][at % 4];
  const address = Array.from({ length: 4 }, () => Math.floor(Math.random() * 256)).join('.');
  const headers = {
    'user-agent': name,
    accept: at % 5 === 0 ? `text/${name}` : '*/*',
    'x-forwarded-for': address,
    [`x-${name}`]: name,
  };
  const method = at % 3 === 0 ? ASKED[Math.floor(at / 3) % ASKED.length] : 'GET';
  return new Promise((resolve, reject) => {
    request(new URL(path ?? '/', mirror.simple), { agent, method, headers }, (response) =>
      response.once('close', resolve).resume(),
    )
      .once('error', reject)
      .end();
  });
}

describe('a scrape', () => {
  it(`has the same series after ${FLOOD} requests of random names, methods, agents and addresses`, async () => {
    await flood(FIRST);
    const before = await series();
    await flood(FLOOD);
    expect(await series()).toEqual(before);
  }, 7_200_000);

  it('tells of requests, methods and upstream that there were so many', async () => {
    const sum = (text: string, metric: string) =>
      [...text.matchAll(new RegExp(`^${metric}\\{[^}]*\\} (\\d+)$`, 'gm'))].reduce((all, [, n]) => all + Number(n), 0);
    const text = await scraped();
    expect(sum(text, 'verbatim_http_requests_total')).toBe(FIRST + FLOOD);
    expect(sum(text, 'verbatim_upstream_requests_total')).toBeGreaterThan(0);
  });

  it.runIf(requirePart('promtool', PROMTOOL))('is faultless by promtool', async () => {
    expect(await promtool(['check', 'metrics'], await scraped())).toBe('');
  });
});
