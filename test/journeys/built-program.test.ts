import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.ts';
import { largePage } from '../support/large.ts';
import { startUpstream } from '../support/upstream.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUNDLER = fileURLToPath(new URL('bin/cli.mjs', import.meta.resolve('rolldown/package.json')));
const JSON_PAGE = 'application/vnd.pypi.simple.v1+json';
/** So many that a thread draws the page. */
const FILES = 1000;

describe('the built program, with nothing beside it', () => {
  let directory = '';
  let main = '';

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'verbatim-built-'));
    await run(process.execPath, [BUNDLER, '-c', 'rolldown.config.ts', '-d', join(directory, 'dist')], { cwd: ROOT });
    main = join(directory, 'dist', 'main.js');
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each(['serve', 'explain', 'accept-change', 'demo'])('knows the command %s', async (command) => {
    const { stdout } = await run(process.execPath, [main, command, '--help']);
    expect(stdout).toContain(`Usage: verbatim ${command}`);
  });

  it('draws a page in a thread, keeps it in a database, and serves it again after a start without upstream', async () => {
    const upstream = await startUpstream({
      handler: (_, response) => response.writeHead(200, { 'Content-Type': JSON_PAGE }).end(largePage('large', FILES)),
    });
    const data = join(directory, 'data');
    try {
      expect(await filesServed(main, data, upstream.url)).toBe(FILES);
    } finally {
      await upstream.close();
    }
    expect(await filesServed(main, data, upstream.url)).toBe(FILES);
  });
});

/** Starts `serve`, asks for the page, and stops it again. */
async function filesServed(main: string, data: string, upstream: string): Promise<number> {
  const args = [
    'serve',
    '--json',
    '--port',
    '0',
    '--log-level',
    'error',
    '--data',
    data,
    '--upstream',
    `${upstream}simple/`,
  ];
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
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
