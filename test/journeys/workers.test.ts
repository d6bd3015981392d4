import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

// Several processes behind one port: the real program, real signals.

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** More of them take longer than a test may in CI. */
const KILLS = Number(process.env['VERBATIM_TEST_WORKER_KILLS'] ?? 3);

let data: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'verbatim-workers-'));
});
afterEach(async () => {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  child = undefined;
  await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
});

interface Ready {
  readonly url: string;
  readonly metrics?: string;
}

class Started {
  readonly url: string;
  readonly metrics: string;
  readonly #log: AsyncIterator<string>;
  readonly #child: ChildProcess;

  constructor({ url, metrics = '' }: Ready, log: AsyncIterator<string>, of: ChildProcess) {
    this.url = url;
    this.metrics = metrics;
    this.#log = log;
    this.#child = of;
  }

  /** The next line of the log that has these words. */
  async line(words: string): Promise<string> {
    for (;;) {
      const { value, done } = await this.#log.next();
      if (done === true) throw new Error(`it ended before it said "${words}"`);
      if (value.includes(words)) return value;
    }
  }

  get workers(): readonly number[] {
    const { pid } = this.#child;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  }
}

async function start(...flags: readonly string[]): Promise<Started> {
  const args = [MAIN, 'serve', '--json', '--log-format', 'json', '--workers', '2', '--data', data, '--port', '0'];
  const started = spawn(process.execPath, [...args, '--upstream', 'http://127.0.0.1:9/simple/', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  const log = createInterface(started.stderr)[Symbol.asyncIterator]();
  for await (const line of createInterface(started.stdout))
    if (line.startsWith('{')) return new Started(JSON.parse(line) as Ready, log, started);
  throw new Error('it ended before it listened');
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

/** Over a connection of its own. */
const livez = async (url: string) => (await fetch(`${url}/livez`, { headers: { connection: 'close' } })).status;

it('a worker that is killed is replaced, and whoever asks meanwhile is answered', { timeout: 120_000 }, async () => {
  const server = await start();
  await server.line('worker 2 answers');
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
  const server = await start();
  await server.line('worker 2 answers');
  const { workers } = server;
  child?.kill('SIGHUP');
  for (const _ of workers) await server.line('nothing to read again');
  if (child === undefined) throw new Error('it was not started');
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow();
});

it('the workers of a supervisor that is killed end, too', { timeout: 60_000 }, async () => {
  const server = await start();
  await server.line('worker 2 answers');
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
  const server = await start('--admin-port', '0');
  await server.line('worker 2 answers');
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
