import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.ts';
import { largePage } from '../support/large.ts';
import { notice, whyOf } from '../support/python.ts';
import { startUpstream } from '../support/upstream.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const JSON_PAGE = 'application/vnd.pypi.simple.v1+json';
/** So many that a thread draws the page. */
const FILES = 1000;

describe('a release', () => {
  let directory = '';
  let made = '';
  let program = '';
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'verbatim-release-'));
    made = await release('first');
    const name = (await readdir(made)).find((each) => each.endsWith('.mjs')) ?? '';
    program = join(directory, 'alone', name);
    await cp(join(made, name), program);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function release(name: string): Promise<string> {
    const into = join(directory, name);
    await run(process.execPath, ['scripts/release.ts', into], { cwd: ROOT });
    return into;
  }

  it('made twice is the same, byte for byte', async () => {
    const again = await release('second');
    const names = await readdir(made);
    expect((await readdir(again)).sort()).toEqual(names.sort());
    for (const name of names) expect(await readFile(join(again, name)), name).toEqual(await readFile(join(made, name)));
  });

  it('has the sums of its files, and names every package that lies in it with its licence', async () => {
    await run('sha256sum', ['-c', 'SHA256SUMS'], { cwd: made });
    const names = await readdir(made);
    const sbom = JSON.parse(await readFile(join(made, names.find((each) => each.endsWith('.cdx.json')) ?? ''), 'utf8'));
    const { dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const listed = new Map<string, { readonly version: string; readonly hashes: unknown; readonly licenses: unknown }>(
      sbom.components.map((component: { readonly name: string }) => [component.name, component]),
    );
    const direct = Object.entries(dependencies).filter(([name]) => listed.has(name));
    expect(direct.map(([name]) => name)).toEqual(expect.arrayContaining(['hono', 'ioredis', 'parse5', 'zod']));
    for (const [name, version] of direct)
      expect(listed.get(name), name).toMatchObject({ version, licenses: [{ expression: expect.any(String) }] });
    const licences = await readFile(join(made, 'LICENSES.txt'), 'utf8');
    for (const name of listed.keys()) expect(licences).toContain(`\n${name} `);
  });

  it('draws a page in a thread and keeps it in a database, from one file alone', async () => {
    const upstream = await startUpstream({
      handler: (_, response) => response.writeHead(200, { 'Content-Type': JSON_PAGE }).end(largePage('large', FILES)),
    });
    const data = join(directory, 'data');
    try {
      expect(await filesServed([process.execPath, program], data, upstream.url)).toBe(FILES);
    } finally {
      await upstream.close();
    }
    expect(await readdir(join(directory, 'alone'))).toHaveLength(1);
  });

  it('runs where no network is', async (test) => {
    // A network of its own, without so much as loopback: what asks a registry, or anybody, cannot go on.
    const apart = ['unshare', '--net', '--map-root-user', process.execPath, program];
    const refused = await run('unshare', ['--net', '--map-root-user', 'true']).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (refused !== undefined && process.env['CI'] !== undefined) throw refused;
    if (refused !== undefined) {
      notice(`a network of its own cannot be had here: ${whyOf(refused)}`);
      return test.skip();
    }
    const [command = '', ...words] = apart;
    const key = join(directory, 'key');
    await run(command, [...words, 'keygen', key], { env: { PATH: '/usr/bin:/bin' } });
    expect(await readFile(`${key}.pub`, 'utf8')).toContain('PUBLIC KEY');
    const { stdout } = await run(command, [...words, '--version'], { env: { PATH: '/usr/bin:/bin' } });
    expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

/** Starts `serve`, asks for the page, and stops it again. */
async function filesServed(program: readonly string[], data: string, upstream: string): Promise<number> {
  const [command = '', ...words] = program;
  const flags = ['--json', '--port', '0', '--log-level', 'error', '--data', data, '--upstream', `${upstream}simple/`];
  const child = spawn(command, [...words, 'serve', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    const { url } = JSON.parse(String(value)) as { readonly url: string };
    const { status, body } = await ask(url, '/simple/large/', { headers: { accept: JSON_PAGE } });
    expect(status).toBe(200);
    return (JSON.parse(body.toString()) as { readonly files: readonly unknown[] }).files.length;
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
}
