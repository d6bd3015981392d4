import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { clientEnvironment } from '../../support/python.ts';

const run = promisify(execFile);
const PASSWORD = 'of devpi';
const READY = /Serving on (http:\S+)/;

export interface Devpi {
  /** Its mirror, as pip is pointed at it. */
  readonly simple: string;
  /** Has it mirror something else, and look at once. */
  readonly turnTo: (upstream: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A devpi-server of its own whose `root/pypi` mirrors `upstream`, as its handbook says. */
export async function startDevpi(bin: string, upstream: string): Promise<Devpi> {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-devpi-'));
  const env = clientEnvironment({ HOME: directory });
  const own = ['--serverdir', join(directory, 'server')];
  await run(join(bin, 'devpi-init'), [...own, '--no-root-pypi', '--root-passwd', PASSWORD], { env });
  const child = spawn(join(bin, 'devpi-server'), [...own, '--host', '127.0.0.1', '--port', '0'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  process.once('exit', () => child.kill('SIGKILL'));
  const base = await Promise.race([
    readyLine(child.stdout),
    readyLine(child.stderr),
    ended.then(() => Promise.reject(new Error('devpi-server ended before it listened'))),
  ]);
  const asRoot = await logIn(base);
  await asRoot('PUT', { type: 'mirror', mirror_url: upstream, volatile: false });
  return {
    turnTo: (other) => asRoot('PATCH', [`mirror_url=${other}`, 'mirror_cache_expiry=0']),
    simple: `${base}/root/pypi/+simple/`,
    async close() {
      child.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Reads to the end, so that the server is never held up by a full pipe. */
function readyLine(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    createInterface(stream).on('line', (line) => {
      const address = READY.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
  });
}

/** Requests about `root/pypi` by the user `root`. */
async function logIn(base: string): Promise<(method: string, body: unknown) => Promise<void>> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const login = await fetch(`${base}/+login`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ user: 'root', password: PASSWORD }),
  });
  const { result } = (await login.json()) as { readonly result: { readonly password: string } };
  const auth = Buffer.from(`root:${result.password}`).toString('base64');
  return async (method, body) => {
    const answer = await fetch(`${base}/root/pypi`, {
      method,
      headers: { ...headers, 'x-devpi-auth': auth },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`devpi: ${answer.status} ${await answer.text()}`);
  };
}
