import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { notice, whyOf } from '../support/python.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it('what npm packs installs into an empty directory, and serves there', async (test) => {
  const empty = await mkdtemp(join(tmpdir(), 'verbatim-packed-'));
  onTestFinished(() => rm(empty, { recursive: true, force: true }));
  await run('npm', ['pack', '--silent', '--pack-destination', empty], { cwd: ROOT });
  const [tarball = ''] = await readdir(empty);
  expect(tarball).toMatch(/^verbatim-.*\.tgz$/);
  await writeFile(join(empty, 'package.json'), '{"private":true}');
  const quiet = ['--no-audit', '--no-fund', '--omit=dev', '--fetch-retries=0'];
  const installed = await run('npm', ['install', ...quiet, join(empty, tarball)], { cwd: empty }).then(
    () => true,
    (error: unknown) => {
      if (process.env['CI'] !== undefined) throw error;
      notice(`npm cannot install here: ${whyOf(error)}`);
      return false;
    },
  );
  if (!installed) return test.skip();

  const bin = join(empty, 'node_modules/.bin/verbatim');
  const flags = ['--data', join(empty, 'data'), '--port', '0', '--upstream', 'http://127.0.0.1:9/simple/'];
  const child = spawn(process.execPath, [bin, 'serve', '--json', ...flags], {
    cwd: empty,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(createInterface(child.stdout), 'line');
  const { simple, url } = JSON.parse(String(line)) as { readonly simple: string; readonly url: string };
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  const refused = await fetch(`${simple}alpha/`);
  expect([refused.status, ((await refused.json()) as { readonly reason: string }).reason]).toEqual([
    503,
    'unreachable',
  ]);
});
