import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished, vi } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { filePath } from '../../src/repository/index-pages.ts';
import { ROOT } from '../support/compose.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { freePort } from '../support/free-port.ts';
import { PYTHON } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startVerbatim } from '../support/verbatim.ts';

// What docs/migrating.md has people paste, with what it promises.

const run = promisify(execFile);

/** The words of each line to paste that begins so, below a heading. */
async function pasted(heading: string, begins: string): Promise<readonly (readonly string[])[]> {
  const page = await readFile(join(ROOT, 'docs/migrating.md'), 'utf8');
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const code = [...(section.split('\n## ')[0] ?? '').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(
    ([, text = '']) => text,
  );
  const lines = code.join('').split('\n');
  return lines
    .filter((line) => line.startsWith(begins))
    .map((line) => [...line.matchAll(/(?:[^\s"]+|"[^"]*")+/g)].map(([word]) => word.replaceAll('"', '')));
}

it('what bandersnatch holds is taken over without a download, and PyPI is held to it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-migrating-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const [alpha, beta] = [tinyWheel('alpha'), tinyWheel('beta')];
  const wheels = [alpha, beta];
  const other = tinyWheel('beta', '1.0', 'other bytes than bandersnatch has');
  const web = join(directory, 'web');
  const put = async (path: string, content: string | Uint8Array) => {
    await mkdir(dirname(join(web, path)), { recursive: true });
    await writeFile(join(web, path), content);
  };
  await put('simple/index.html', wheels.map(({ project }) => `<a href="${project}/">${project}</a>`).join('\n'));
  for (const wheel of wheels) {
    const link = `../../${filePath(wheel)}#sha256=${sha256Hex(wheel.bytes)}`;
    await put(filePath(wheel), wheel.bytes);
    await put(`simple/${wheel.project}/index.html`, `<!DOCTYPE html><a href="${link}">${wheel.filename}</a>`);
  }
  const pypi = await startFakePypi();
  onTestFinished(() => pypi.close());
  pypi.upload('alpha', alpha);
  pypi.upload('beta', other);

  const port = await freePort();
  const data = join(directory, 'data');
  const here = (word: string) =>
    word
      .replace('/srv/pypi/web', web)
      .replace(/\b8080\b/, `${port}`)
      .replace('/var/lib/verbatim', data)
      .replace('https://pypi.org/', pypi.url);
  let readFrom = 0;
  const [serving = []] = await pasted('bandersnatch', 'python3 -m http.server');
  const server = spawn(PYTHON, serving.slice(1, -1).map(here), { stdio: 'ignore' });
  const ended = once(server, 'close');
  await vi.waitFor(() => fetch(`http://127.0.0.1:${port}/simple/`), { timeout: 60_000 });
  const syncs = await pasted('bandersnatch', 'verbatim sync');
  expect(syncs).toHaveLength(2);
  for (const [, ...sync] of syncs) {
    // The second is read a second later at least: what was read within it is no second word.
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(readFrom + 2000), { timeout: 60_000 });
    await run(process.execPath, [join(ROOT, 'src/main.ts'), ...sync.map(here)]);
    readFrom = Date.now();
  }
  server.kill('SIGTERM');
  await ended;

  const [[, command, ...flags] = []] = await pasted('bandersnatch', 'verbatim serve --new-trust');
  expect(command).toBe('serve');
  const host = ['--file-host', `127.0.0.1:${pypi.files.port}`];
  const mirror = await startVerbatim([...flags.map(here), ...host], data);
  onTestFinished(() => mirror.close());
  const page = async (project: string) => (await fetch(`${mirror.simple}${project}/`)).text();
  const [, link = ''] = /href="([^"#]+)/.exec(await page('alpha')) ?? [];
  const file = await fetch(new URL(link, `${mirror.simple}alpha/`));
  expect(Buffer.from(await file.arrayBuffer()).equals(alpha.bytes)).toBe(true);
  expect(pypi.files.asked(pypi.storedAt(alpha))).toEqual([]);
  // The name was seen with other bytes.
  const held = await page('beta');
  expect(held).toContain('Links for beta');
  expect(held).not.toContain(sha256Hex(other.bytes));
}, 300_000);
