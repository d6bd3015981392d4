import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// Whoever starts a mirror with a wrong address is told so wherever somebody may look, before anybody installs anything.

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';
const META = { 'api-version': '1.0' };
const INDEX: Readonly<Record<string, unknown>> = {
  '/simple/': { meta: META, projects: [{ name: 'alpha' }] },
  '/simple/alpha/': { meta: META, name: 'alpha', files: [] },
};

let directory: string;
let upstream: Server | undefined;
let mirror: RunningVerbatim | undefined;
/** What is at the address. */
let documents: Readonly<Record<string, unknown>> = {};
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-wrong-'));
  documents = {};
});
afterEach(async () => {
  await mirror?.close();
  mirror = undefined;
  upstream?.close();
  upstream?.closeAllConnections();
  await rm(directory, { recursive: true });
});

async function listen(port: number): Promise<void> {
  upstream = createServer(({ url = '' }, answer) => {
    const document = documents[url];
    if (document === undefined) answer.writeHead(404).end('no such page');
    else answer.writeHead(200, { 'content-type': JSON_TYPE }).end(JSON.stringify(document));
  });
  upstream.listen(port, '127.0.0.1');
  await once(upstream, 'listening');
}

const about = (port: number) => ['--upstream', `http://127.0.0.1:${port}/simple/`];
async function start(port: number): Promise<string> {
  mirror = await startVerbatim(about(port), join(directory, 'data'));
  return new URL('/', mirror.simple).href;
}
const asJson = async (url: string) =>
  JSON.parse(await (await fetch(url, { headers: { accept: 'application/json' } })).text());

interface Said {
  readonly what: string;
  readonly says: string;
}

/** What each place says is not well with the index, in one sentence. */
async function toldBy(home: string, port: number) {
  const [page, health, devpi] = await Promise.all(['', 'health', '+status'].map((path) => asJson(home + path)));
  const args = [...about(port), '--data', join(directory, 'data'), '--json'];
  const status = JSON.parse((await verbatim('status', ...args)).stdout);
  const doctor = JSON.parse((await verbatim('doctor', ...args)).stdout);
  const known: readonly { message: string }[] = [...health.findings, ...health.toKnow];
  const metrics: readonly (readonly [string, string, number])[] = devpi.result.metrics;
  const found: readonly { area: string; grade: string; message: string }[] = doctor.findings;
  return {
    page: page.troubles.map(({ says }: Said) => says),
    well: page.well,
    health: known.map(({ message }) => message),
    metrics: metrics.slice(1).reduce((sum, [, , value]) => sum + value, 0),
    status: status.verdict.troubles.map(({ says }: Said) => says),
    doctor: found.flatMap(({ area, grade, message }) =>
      area === 'server' && grade !== 'good' ? [message.replace(/^main: /, '')] : [],
    ),
  };
}

/** Of what the sentence begins with; undefined where all is well. */
async function expectTold(home: string, port: number, sentence: string | undefined): Promise<void> {
  await expect
    .poll(async () => (await asJson(home)).says)
    .toMatch(sentence === undefined ? /^All is well\.$/ : new RegExp(`^main: ${sentence}`));
  const all = sentence === undefined ? [] : [expect.stringMatching(new RegExp(`^${sentence}`))];
  await expect
    .poll(() => toldBy(home, port))
    .toEqual({ page: all, well: all.length === 0, health: all, metrics: all.length, status: all, doctor: all });
}

const UNHEARD = 'Nothing has come from upstream yet that only a package index says';

it('at an address where something else is, nothing says that all is well, until a page comes', async () => {
  const port = await freePort();
  await listen(port);
  const home = await start(port);
  await expectTold(home, port, UNHEARD);
  // That it lacks a project says a server of anything.
  expect((await fetch(`${home}simple/alpha/`)).status).toBe(404);
  await expectTold(home, port, UNHEARD);
  const { stdout } = await verbatim('status', ...about(port), '--data', join(directory, 'data'));
  expect(stdout).toContain(UNHEARD);
  expect(stdout).not.toContain('All is well.');
  documents = { ...INDEX, '/simple/gamma/': INDEX['/simple/alpha/'] };
  expect((await fetch(`${home}simple/gamma/`)).status).toBe(502);
  documents = { ...INDEX, '/simple/delta/': { meta: META, name: 'delta', files: [] } };
  expect((await fetch(`${home}simple/delta/`)).status).toBe(200);
  await expectTold(home, port, undefined);
});

it('one that nobody listens on is asked until somebody does, though nobody installs anything', async () => {
  const port = await freePort();
  const home = await start(port);
  await expectTold(home, port, 'Upstream does not answer, and has not since the start');
  documents = INDEX;
  await listen(port);
  await expectTold(home, port, undefined);
});
