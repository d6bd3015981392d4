import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { askAnew, endWorkers, WorkersRun } from '../support/workers.ts';

// Several processes behind one port: the real program, real signals.

const KILLS = 3;

let data: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'verbatim-workers-'));
});
afterEach(async () => {
  await endWorkers(child);
  child = undefined;
  await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
});

async function start(...flags: readonly string[]): Promise<WorkersRun> {
  const upstream = ['--upstream', 'http://127.0.0.1:9/simple/', '--data', data];
  const onChild = (started: ChildProcess) => {
    child = started;
  };
  return WorkersRun.start([...upstream, ...flags], { onChild });
}

/** The connection ended under way. */
function isReset(error: unknown): boolean {
  return (
    error instanceof Error && error.cause instanceof Error && /ECONNRESET|other side closed/.test(String(error.cause))
  );
}

/** One that has ended may wait for its parent to hear of it. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const livez = async (url: string) => (await askAnew(`${url}/livez`)).status;

it('a worker that is killed is replaced, and whoever asks meanwhile is answered', { timeout: 120_000 }, async () => {
  const server = await (await start()).all();
  let isOver = false;
  let asked = 0;
  let lost = 0;
  const asking = (async () => {
    for (; !isOver; asked++)
      try {
        expect(await livez(server.url)).toBe(200);
      } catch (error) {
        if (!isReset(error)) throw error;
        lost++;
      }
  })();
  for (let kill = 0; kill < KILLS; kill++) {
    const [victim] = server.workers;
    if (victim === undefined) throw new Error('no worker runs');
    if (kill === 0) {
      process.kill(victim, 'SIGSTOP');
      // What it was given while it stood still is another's.
      await livez(server.url);
    }
    process.kill(victim, 'SIGKILL');
    const number = /worker (\d) ended \(SIGKILL\)/.exec(await server.line('ended (SIGKILL)'))?.[1];
    await server.line(`worker ${number} answers`);
  }
  isOver = true;
  await asking;
  expect(asked).toBeGreaterThan(KILLS);
  // Whoever asks one thing after another has one answer in work, which the worker that had it takes with it.
  expect(lost).toBeLessThanOrEqual(KILLS);
  expect(server.workers).toHaveLength(2);
});

it('SIGHUP is for all workers, and SIGTERM ends them in order', { timeout: 60_000 }, async () => {
  const server = await (await start()).all();
  const { workers } = server;
  child?.kill('SIGHUP');
  await server.line('nothing to read again');
  if (child === undefined) throw new Error('it was not started');
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow();
});

it('the workers of a supervisor that is killed end, too', { timeout: 60_000 }, async () => {
  const server = await (await start()).all();
  const { workers } = server;
  child?.kill('SIGKILL');
  // The log has its end when nobody is left to write it.
  await expect(server.line('nobody says this')).rejects.toThrow('it ended');
  for (const pid of workers) await expect.poll(() => isRunning(pid), { timeout: 30_000 }).toBe(false);
});

it('a start that the first worker refuses is refused in its words', { timeout: 60_000 }, async () => {
  await expect(start('--root', join(data, 'none.json'), '--layout', 'pep458')).rejects.toThrow('it ended');
  if (child?.exitCode === null) await once(child, 'exit');
  expect(child?.exitCode).toBe(1);
});

it('one scrape has all workers, and goes on from what a killed one had counted', { timeout: 60_000 }, async () => {
  const server = await (await start('--admin-port', '0')).all();
  const sums = async () => {
    const text = await (await fetch(server.metrics)).text();
    const sum = (series: string) => Number(text.split(`\n${series} `)[1]?.split('\n')[0] ?? Number.NaN);
    return {
      health: sum('verbatim_http_requests_total{route="health",method="GET",code="200"}'),
      limit: sum('verbatim_connections_limit'),
      configured: sum('verbatim_workers'),
      ended: sum('verbatim_worker_changes_total{state="ended"}'),
    };
  };
  // Both workers have some: of equals whoever was given nothing for longest is next.
  for (let asked = 0; asked < 10; asked++) await livez(server.url);
  const before = await sums();
  expect(before).toMatchObject({ health: 10, configured: 2 });
  const [victim] = server.workers;
  if (victim === undefined) throw new Error('no worker runs');
  process.kill(victim, 'SIGKILL');
  const number = /worker (\d) ended/.exec(await server.line('ended (SIGKILL)'))?.[1];
  expect((await sums()).health).toBe(10);
  await server.line(`worker ${number} answers`);
  for (let asked = 0; asked < 10; asked++) await livez(server.url);
  expect(await sums()).toEqual({ ...before, health: 20, ended: 1 });
});
