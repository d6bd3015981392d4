import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { ROOT } from '../support/compose.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// A backup that is made while the mirror runs, and put back, by the very lines of docs/upgrade-and-backup.md.

const run = promisify(execFile);
const JSON_PAGE = { accept: 'application/vnd.pypi.simple.v1+json' };
const sqlite = await run('sqlite3', ['--version']).then(
  () => 'sqlite3',
  () => undefined,
);

/** The lines to paste below a heading. */
async function linesOf(heading: string): Promise<string> {
  const page = await readFile(join(ROOT, 'docs/upgrade-and-backup.md'), 'utf8');
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  return /^```sh\n([\s\S]*?)^```$/m.exec(section)?.[1] ?? expect.fail(`no lines below ${heading}`);
}

async function fileOf({ simple }: RunningVerbatim, project: string): Promise<Response> {
  const page = await fetch(`${simple}${project}/`, { headers: JSON_PAGE });
  const { files } = (await page.json()) as { readonly files: readonly [{ readonly url: string }] };
  return fetch(new URL(files[0].url, page.url));
}

describe.runIf(requirePart('sqlite3', sqlite))('a backup', () => {
  it('made beside a server holds its pins, is proved when it is put back, and what it knew is known again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'verbatim-restore-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const pypi = await startFakePypi({ maxAge: 1 });
    onTestFinished(() => pypi.close());
    const [alpha, beta] = [tinyWheel('alpha'), tinyWheel('beta')];
    pypi.upload('alpha', alpha);
    pypi.upload('beta', beta);
    const data = join(directory, 'lib', 'verbatim');
    await run('mkdir', ['-p', data, join(directory, 'backup')]);
    await writeFile(join(directory, 'seal.key'), 'what this mirror alone knows', { mode: 0o600 });
    const config = join(directory, 'verbatim.yaml');
    await writeFile(
      config,
      JSON.stringify({
        data,
        seal_key_file: join(directory, 'seal.key'),
        indexes: {
          main: {
            upstream: `${pypi.url}simple/`,
            evidence: 'index',
            file_hosts: [`127.0.0.1:${pypi.files.port}`],
            max_age: 1,
          },
        },
      }),
    );
    const here = (lines: string) =>
      lines.replaceAll('/var/lib/', `${join(directory, 'lib')}/`).replaceAll('/backup', join(directory, 'backup'));
    const serve = () => startVerbatim(['--config', config], data);

    const before = await serve();
    const who = async (file: string, ...flags: readonly string[]) =>
      (await verbatim('who', file, '--config', config, ...flags)).stdout;
    expect((await fileOf(before, 'alpha')).status).toBe(200);
    await expect.poll(() => who(alpha.filename)).toContain('127.0.0.1');
    await run('sh', ['-ec', here(await linesOf('Back up'))]);
    expect((await fileOf(before, 'beta')).status).toBe(200);
    await expect.poll(() => who(beta.filename)).toContain('127.0.0.1');
    process.kill(before.pid, 'SIGKILL');
    await before.close();

    await run('sh', ['-ec', here(await linesOf('Restore'))]);
    const proved = await verbatim('verify', '--config', config);
    expect([proved.code, proved.stderr]).toEqual([0, '']);
    expect(await who(alpha.filename)).toContain('127.0.0.1');
    expect(await who(beta.filename)).toContain('Nobody');
    expect(await who(beta.filename, '--data', `${data}.aside`)).toContain('127.0.0.1');

    // Other bytes under the name that was pinned: what was restored says no.
    const other = tinyWheel('alpha', '1.0', 'other bytes');
    pypi.replace('alpha', other);
    const after = await serve();
    onTestFinished(() => after.close());
    const answer = await fetch(`${after.simple}alpha/`, { headers: JSON_PAGE });
    const page = await answer.text();
    expect([answer.status, page]).toEqual([200, expect.stringContaining('"name":"alpha"')]);
    expect(page).not.toContain(sha256Hex(other.bytes));
    expect((await fileOf(after, 'beta')).status).toBe(200);
  }, 300_000);
});
