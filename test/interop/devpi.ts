import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Distribution } from '../support/distributions.ts';
import { clientEnvironment } from '../support/python.ts';
import { startProgram } from './programs.ts';

const run = promisify(execFile);
const PASSWORD = 'of devpi';

export interface Devpi {
  /** Its mirror, as pip is pointed at it. */
  readonly simple: string;
  /** Has it mirror something else, and look at once. */
  readonly turnTo: (upstream: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A devpi-server of its own whose `root/pypi` mirrors `upstream`, as its handbook says. */
export async function startDevpi(bin: string, upstream: string): Promise<Devpi> {
  const { origin, asRoot, close } = await startServer(bin);
  await asRoot('PUT', 'root/pypi', { type: 'mirror', mirror_url: upstream, volatile: false });
  return {
    turnTo: (other) => asRoot('PATCH', 'root/pypi', [`mirror_url=${other}`, 'mirror_cache_expiry=0']),
    simple: `${origin}/root/pypi/+simple/`,
    close,
  };
}

/** One with an index of its own, `root/dev`, to which the files were uploaded. */
export async function startDevpiIndex(bin: string, files: readonly Distribution[]): Promise<Omit<Devpi, 'turnTo'>> {
  const { origin, asRoot, upload, close } = await startServer(bin);
  await asRoot('PUT', 'root/dev', {});
  for (const file of files) await upload('root/dev', file);
  return { simple: `${origin}/root/dev/+simple/`, close };
}

async function startServer(bin: string) {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-devpi-'));
  const environment = { HOME: directory };
  const own = ['--serverdir', join(directory, 'server')];
  await run(join(bin, 'devpi-init'), [...own, '--no-root-pypi', '--root-passwd', PASSWORD], {
    env: clientEnvironment(environment),
  });
  const server = join(bin, 'devpi-server');
  const { origin, close } = await startProgram(server, [...own, '--host', '127.0.0.1', '--port', '0'], environment);
  return {
    origin,
    ...(await logIn(origin)),
    async close() {
      await close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Requests by the user `root`. */
async function logIn(origin: string) {
  const json = { 'content-type': 'application/json', accept: 'application/json' };
  const credentials = JSON.stringify({ user: 'root', password: PASSWORD });
  const login = await fetch(`${origin}/+login`, { method: 'POST', headers: json, body: credentials });
  const { result } = (await login.json()) as { readonly result: { readonly password: string } };
  const auth = { 'x-devpi-auth': Buffer.from(`root:${result.password}`).toString('base64') };
  const asked = async (path: string, request: RequestInit) => {
    const answer = await fetch(`${origin}/${path}`, request);
    if (!answer.ok) throw new Error(`devpi: ${answer.status} ${await answer.text()}`);
  };
  return {
    asRoot: (method: string, index: string, body: unknown) =>
      asked(index, { method, headers: { ...json, ...auth }, body: JSON.stringify(body) }),
    upload: (index: string, { name, version, filename, bytes }: Distribution) => {
      const form = new FormData();
      const fields = { ':action': 'file_upload', metadata_version: '2.2', name, version };
      for (const [key, value] of Object.entries(fields)) form.set(key, value);
      form.set('content', new Blob([Buffer.from(bytes)]), filename);
      return asked(`${index}/`, { method: 'POST', headers: auth, body: form });
    },
  };
}
