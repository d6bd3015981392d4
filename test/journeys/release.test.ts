import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { KEYS } from '../rigs/signed-rig.ts';
import { ask } from '../support/ask.ts';
import { largePage } from '../support/large.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { notice, whyOf } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
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

  /** The program in a network of its own, without so much as loopback: what asks a registry, or anybody, cannot go on. */
  const apart = (...words: readonly string[]) =>
    run('unshare', ['--net', '--map-root-user', process.execPath, program, ...words], {
      env: { PATH: '/usr/bin:/bin' },
    });

  it('runs where no network is', async (test) => {
    if (!(await mayBeApart())) return test.skip();
    const key = join(directory, 'key');
    await apart('keygen', key);
    expect(await readFile(`${key}.pub`, 'utf8')).toContain('PUBLIC KEY');
    const { stdout } = await apart('--version');
    expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('carries a signed index across the gap, in pieces and by an encrypted key, as docs/air-gap.md says', async (test) => {
    if (!(await mayBeApart())) return test.skip();
    const gap = join(directory, 'gap');
    await mkdir(join(gap, 'stick'), { recursive: true });
    const [acme, beta] = [tinyWheel('acme', '1.0', 'x'.repeat(200_000), ['beta']), tinyWheel('beta')];
    const signed = new SignedIndex({
      keys: KEYS,
      binBits: 2,
      pageFormat: 'json',
      now: () => Math.floor(Date.now() / 1000),
    });
    for (const wheel of [acme, beta]) signed.upload(wheel.project, wheel);
    signed.publish();
    const paths = () => pep458Paths(signed.repository.files);
    const upstream = await startUpstream({ files: { get: (path) => paths().get(path) } });
    await writeFile(join(gap, 'root.json'), paths().get('metadata/1.root.json') ?? '');
    const config = async (name: string, ...lines: readonly string[]) => {
      const index = ['evidence: tuf', 'root: ./root.json', 'layout: pep458', ...lines].map((line) => `    ${line}\n`);
      await writeFile(join(gap, `${name}.yaml`), `data: ./${name}\nindexes:\n  main:\n${index.join('')}`);
      return ['--config', join(gap, `${name}.yaml`)];
    };
    const key = join(gap, 'outside.key');
    const outside = await config('outside', `upstream: "${upstream.url}"`);
    const inside = await config(
      'inside',
      'import: { keys: [{ name: outside, ed25519_file: ./outside.key.pub }], max_age: 30 }',
    );
    const told = (...words: readonly string[]) => {
      const ended = run(process.execPath, [program, ...words]);
      ended.child.stdin?.end('a passphrase\n');
      return ended;
    };
    try {
      await told('keygen', key, '--passphrase');
      await told('sync', '--project', 'acme', '--env', '3.12/linux', ...outside);
      await told('export', join(gap, 'stick'), '--key', key, '--piece-size', '64KiB', ...outside);
    } finally {
      await upstream.close();
    }
    const bundle = join(gap, 'stick', 'main-000001');
    await run('sha256sum', ['-c', 'SHA256SUMS'], { cwd: bundle });
    const pieces = (await readdir(bundle))
      .filter((name) => name.startsWith('bundle.tar.'))
      .map((name) => join(bundle, name));
    expect(pieces.length).toBeGreaterThan(3);
    expect((await apart('import', '--dry-run', ...pieces, ...inside)).stdout).toContain(
      'would import: bundle 1 of main',
    );
    const imported = await apart('import', ...pieces.toReversed(), ...inside);
    expect(imported.stdout).toMatch(
      /^imported: bundle 1 of main, signed by outside, .*2 pages and 2 files proved; 0 removed$/ms,
    );
    expect((await apart('verify', ...inside)).stdout).not.toContain('wrong');
    expect((await apart('explain', acme.filename, ...inside)).stdout).toContain('acme');
  });
});

/** Whether a process can have a network of its own here. Throws where CI cannot. */
async function mayBeApart(): Promise<boolean> {
  try {
    await run('unshare', ['--net', '--map-root-user', 'true']);
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    notice(`a network of its own cannot be had here: ${whyOf(error)}`);
    return false;
  }
}

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
