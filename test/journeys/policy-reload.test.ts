import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeScratch } from '../rigs/mirror.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startVerbatim } from '../support/verbatim.ts';
import { askAnew } from '../support/workers.ts';

// A policy in a file of its own is read again at SIGHUP: what is in order holds from then on, what is not changes nothing and is told with its line.

const OLD = tinyWheel('alpha');
const NEW = tinyWheel('alpha', '2.0');
const JSON_PAGE = { accept: 'application/vnd.pypi.simple.v1+json' };
const PATIENCE = { timeout: 60_000 };

let directory: string;
let pypi: FakePypi;
beforeEach(async () => {
  directory = await makeScratch();
  pypi = await startFakePypi();
  for (const file of [OLD, NEW]) pypi.upload('alpha', file);
});
afterEach(async () => {
  await pypi.close();
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 250 });
});

const policy = (text: string) => writeFile(join(directory, 'policy.yaml'), text);

it.each([1, 2])('with %i processes', { timeout: 180_000 }, async (workers) => {
  const config = join(directory, 'verbatim.yaml');
  const lines = [
    `server: { port: 0, workers: ${workers} }`,
    `data: ${join(directory, 'data')}`,
    'indexes:',
    '  main:',
    `    upstream: ${pypi.url}simple/`,
    '    evidence: index',
    `    file_hosts: ["127.0.0.1:${pypi.files.port}"]`,
    '    policy_file: policy.yaml',
  ];
  await writeFile(config, lines.join('\n'));
  await policy('names: { deny: [beta] }\n');
  const server = await startVerbatim(['--config', config, '--admin-port', '0'], join(directory, 'data'));
  try {
    if (workers > 1) await expect.poll(server.log, PATIENCE).toContain(`worker ${workers} answers`);
    const { origin } = new URL(server.simple);
    const listed = async () => {
      const page: { readonly files: readonly { readonly filename: string }[] } = JSON.parse(
        await (await askAnew(`${origin}/simple/alpha/`, JSON_PAGE)).text(),
      );
      return page.files.map(({ filename }) => filename);
    };
    /** Each process is asked, as new connections go round. */
    const all = async () => [...new Set((await Promise.all(Array.from({ length: 8 }, listed))).map(String))];
    expect(await all()).toEqual([String([OLD.filename, NEW.filename])]);

    await policy('names: { deny: ["alpha ==2.0"], action: hide }\n');
    process.kill(server.pid, 'SIGHUP');
    await expect.poll(server.log, PATIENCE).toContain('read again: the policy of main');
    await expect.poll(all, PATIENCE).toEqual([OLD.filename]);
    const told = async () => (await askAnew(`${origin}/policy`, { accept: 'application/json' })).text();
    await expect.poll(told, PATIENCE).toContain('Projects and versions called alpha ==2.0.');

    await policy('names: { deny: [beta] }\nminimum_age: soon\n');
    process.kill(server.pid, 'SIGHUP');
    await expect.poll(server.log, PATIENCE).toMatch(/nothing was changed: [^ ]*policy\.yaml line 2: minimum_age/);
    expect(await all()).toEqual([OLD.filename]);
    const failed = async () => {
      const exposed = await (await fetch(server.metrics ?? '')).text();
      return Number(/^verbatim_reloads_total\{result="failed"\} (\d+)/m.exec(exposed)?.[1]);
    };
    await expect.poll(failed, PATIENCE).toBe(workers);

    // What the rest of the configuration does not give is no policy to read again either.
    await policy('names: { deny: [beta] }\nminimum_age: { files: 1d, fixes: pass }\n');
    process.kill(server.pid, 'SIGHUP');
    await expect
      .poll(server.log, PATIENCE)
      .toMatch(/nothing was changed: [^ ]*policy\.yaml line 2: minimum_age\.fixes/);
    await expect.poll(failed, PATIENCE).toBe(2 * workers);
    expect(await all()).toEqual([OLD.filename]);

    await rm(join(directory, 'policy.yaml'));
    process.kill(server.pid, 'SIGHUP');
    await expect.poll(failed, PATIENCE).toBe(3 * workers);
    expect(await all()).toEqual([OLD.filename]);

    await policy('names: { deny: [beta] }\n');
    process.kill(server.pid, 'SIGHUP');
    await expect.poll(all, PATIENCE).toEqual([String([OLD.filename, NEW.filename])]);
  } finally {
    await server.close();
  }
});
