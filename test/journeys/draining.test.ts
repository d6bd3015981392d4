import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { askAnew, endWorkers, WorkersRun } from '../support/workers.ts';

// A server that is told to stop says first that it is not ready, and serves on for a while: the real program, real signals.

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

let data: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'verbatim-draining-'));
});
afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  await endWorkers(child);
  child = undefined;
  await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
});

const flags = () => ['--data', data, '--upstream', 'http://127.0.0.1:9/simple/'];

/** One process, once it listens; and its log. */
async function startOne(...more: readonly string[]) {
  const args = [MAIN, 'serve', '--json', '--log-format', 'json', '--port', '0', ...flags(), ...more];
  const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  const log = createInterface(started.stderr)[Symbol.asyncIterator]();
  const line = async (words: string) => {
    for (;;) {
      const { value, done } = await log.next();
      if (done === true) throw new Error(`it ended before it said "${words}"`);
      if (value.includes(words)) return;
    }
  };
  for await (const said of createInterface(started.stdout))
    if (said.startsWith('{')) return { url: (JSON.parse(said) as { readonly url: string }).url, line, child: started };
  throw new Error('it ended before it listened');
}

const readiness = async (url: string) => {
  const answer = await askAnew(`${url}/readyz`);
  const { reasons } = (await answer.json()) as { readonly reasons: readonly { readonly reason: string }[] };
  return [answer.status, ...reasons.map(({ reason }) => reason)];
};

it('SIGTERM: not ready first, and it serves; a second one ends it at once', { timeout: 60_000 }, async () => {
  const server = await startOne('--drain', '3600');
  expect(await readiness(server.url)).toEqual([200]);
  server.child.kill('SIGTERM');
  await server.line('draining: not ready any more');
  expect(await readiness(server.url)).toEqual([503, 'draining']);
  expect((await askAnew(`${server.url}/livez`)).status).toBe(200);
  const page = await askAnew(`${server.url}/`);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('Verbatim')]);
  const ended = once(server.child, 'exit');
  server.child.kill('SIGTERM');
  expect(await ended).toEqual([1, null]);
});

it('it ends by itself, in order, when its time to drain is over', { timeout: 60_000 }, async () => {
  const server = await startOne('--drain', '1');
  const ended = once(server.child, 'exit');
  server.child.kill('SIGTERM');
  await server.line('draining: not ready any more');
  expect(await ended).toEqual([0, null]);
});

it('SIGINT does not drain: who presses Ctrl-C waits for nothing', { timeout: 60_000 }, async () => {
  const server = await startOne('--drain', '3600');
  const ended = once(server.child, 'exit');
  server.child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
});

it('all workers drain together, one that begins meanwhile too, and those that are told themselves', {
  timeout: 120_000,
}, async () => {
  const server = await WorkersRun.start([...flags(), '--drain', '3600', '--admin-port', '0'], {
    onChild: (started) => {
      child = started;
    },
  });
  await server.all();
  const admin = server.metrics.replace(/\/metrics$/, '');
  // As a service manager does: the whole group is told.
  for (const pid of server.workers) process.kill(pid, 'SIGTERM');
  server.child.kill('SIGTERM');
  await server.line('draining: not ready any more');
  for (let asked = 0; asked < 4; asked++) expect(await readiness(server.url)).toEqual([503, 'draining']);
  expect(await readiness(admin)).toEqual([503, 'draining']);
  const [victim] = server.workers;
  if (victim === undefined) throw new Error('no worker runs');
  process.kill(victim, 'SIGKILL');
  await server.line('ended (SIGKILL)');
  await server.line('answers');
  for (let asked = 0; asked < 4; asked++) expect(await readiness(server.url)).toEqual([503, 'draining']);
  const ended = once(server.child, 'exit');
  server.child.kill('SIGTERM');
  expect(await ended).toEqual([1, null]);
});

it('every process says the same of what is promised, and what lies set aside is told', {
  timeout: 120_000,
}, async () => {
  await mkdir(join(data, 'quarantine'), { recursive: true });
  const server = await WorkersRun.start([...flags(), '--admin-port', '0'], {
    onChild: (started) => {
      child = started;
    },
  });
  await server.all();
  const verdict = async (url: string) => {
    const answer = await askAnew(`${url}/health`, { accept: 'application/json' });
    const { findings } = (await answer.json()) as { readonly findings: readonly { readonly what: string }[] };
    return [answer.status, ...findings.map(({ what }) => what)];
  };
  expect(await verdict(server.url)).toEqual([200]);
  await writeFile(join(data, 'quarantine', 'evidence'), 'not what it was');
  const admin = server.metrics.replace(/\/metrics$/, '');
  for (const url of [server.url, server.url, admin])
    await expect.poll(() => verdict(url), { timeout: 60_000 }).toEqual([503, 'quarantine']);
  const text = async () => (await askAnew(`${server.url}/health`)).text();
  await expect.poll(text, { timeout: 60_000 }).toMatch(/^The promise does not hold.*verbatim verify/s);
  const status = (await (await askAnew(`${server.url}/+status`)).json()) as {
    readonly result: { readonly role: string };
  };
  expect(status.result.role).toBe('MASTER');
});
