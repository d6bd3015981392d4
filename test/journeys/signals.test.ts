import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { PYTHON, requirePart } from '../support/python.ts';

// What ends a server, and what does not: real signals, a real terminal, and npm between.

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'src/main.ts');
const hasPython = await run(PYTHON, ['-c', 'import pty']).then(
  () => true,
  () => undefined,
);

/** Starts a program in a terminal of its own, takes that away when it listens, and tells how the program ended. */
const HANG_UP = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
heard = b""
while b"listens on" not in heard or b"Ctrl-C" not in heard:
    heard += os.read(terminal, 4096)
os.close(terminal)
print(os.waitpid(pid, 0)[1])
`;

let data: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'verbatim-signals-'));
});
afterEach(async () => {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  child = undefined;
  await rm(data, { recursive: true, force: true });
});

const flags = () => ['--data', data, '--port', '0', '--upstream', 'http://127.0.0.1:9/simple/'];

/** Its url, once it listens. */
async function listening(started: ChildProcess): Promise<string> {
  if (started.stdout === null) throw new Error('no standard output');
  for await (const line of createInterface(started.stdout))
    if (line.startsWith('{')) return (JSON.parse(line) as { readonly url: string }).url;
  throw new Error('it ended before it listened');
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('SIGHUP ends no server without a terminal, though there is nothing to read again', async () => {
  const args = [MAIN, 'serve', '--json', '--log-format', 'json', ...flags()];
  child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await listening(child);
  if (child.stderr === null) throw new Error('no standard error');
  child.kill('SIGHUP');
  for await (const line of createInterface(child.stderr)) if (line.includes('nothing to read again')) break;
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
});

it.runIf(requirePart('python3 with pty', hasPython))('a terminal that hangs up ends its server in order', async () => {
  const { stdout } = await run(PYTHON, ['-c', HANG_UP, process.execPath, MAIN, 'serve', ...flags()]);
  expect(stdout.trim()).toBe('0');
});

it('SIGTERM sent to npm start reaches the server', async () => {
  child = spawn('npm', ['--silent', 'start', '--', '--json', ...flags()], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'ignore'],
    // A group of its own, to end whatever npm leaves behind.
    detached: true,
  });
  const url = await listening(child);
  const group = child.pid;
  onTestFinished(() => {
    if (group !== undefined && isThere(-group)) process.kill(-group, 'SIGKILL');
  });
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  await expect(fetch(`${url}/livez`)).rejects.toThrow();
});
