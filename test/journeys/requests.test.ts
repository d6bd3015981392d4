import type { ChildProcess } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeScratch } from '../rigs/mirror.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { verbatim } from '../support/verbatim.ts';
import { askAnew, endWorkers, WorkersRun } from '../support/workers.ts';

// What policy refuses is a queue, and an operator's answer is in force in every worker when the command ends.

const OLD = tinyWheel('alpha');
const NEW = tinyWheel('alpha', '2.0');
const JSON_PAGE = { accept: 'application/vnd.pypi.simple.v1+json' };
const TIMES = 6;

let directory: string;
let data: string;
let config: readonly string[];
let pypi: FakePypi;
let child: ChildProcess | undefined;
beforeEach(async () => {
  directory = await makeScratch();
  data = join(directory, 'data');
  pypi = await startFakePypi();
  pypi.upload('alpha', OLD);
  pypi.upload('alpha', { ...NEW, uploadTime: new Date(Date.now() - 86_400_000).toISOString() });
  const file = join(directory, 'verbatim.yaml');
  const lines = [
    `data: ${data}`,
    'indexes:',
    '  main:',
    `    upstream: ${pypi.url}simple/`,
    '    evidence: index',
    '    max_age: 86400',
    `    file_hosts: ["127.0.0.1:${pypi.files.port}"]`,
    '    policy: { minimum_age: 7d, names: { deny: [secret] } }',
  ];
  await writeFile(file, lines.join('\n'));
  config = ['--config', file];
});
afterEach(async () => {
  await endWorkers(child);
  child = undefined;
  await pypi.close();
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 250 });
});

const serve = async () => {
  const onChild = (started: ChildProcess) => {
    child = started;
  };
  return (await (await WorkersRun.start([...config], { onChild })).all()).url;
};
const requests = async (...words: readonly string[]) => {
  const { code, stdout, stderr } = await verbatim('requests', ...words, ...config, '--json');
  return { code, stderr, said: stdout === '' ? undefined : JSON.parse(stdout) };
};
const told = async (url: string, at: string) => {
  const answer = await askAnew(new URL(at, url).href);
  return { status: answer.status, text: Buffer.from(await answer.arrayBuffer()).toString('latin1') };
};
/** By whichever worker, several times over. */
const seen = async (url: string) => {
  const found = new Set<string>();
  for (let at = 0; at < TIMES; at++) {
    const page: { readonly files: readonly { readonly filename: string }[] } = JSON.parse(
      await (await askAnew(`${url}/simple/alpha/`, JSON_PAGE)).text(),
    );
    const { status } = await told(url, pypi.storedAt(NEW));
    found.add(`${page.files.map(({ filename }) => filename).join(' ')}: ${status}`);
  }
  return [...found];
};
const HELD = [`${OLD.filename}: 403`];
const SERVED = [`${OLD.filename} ${NEW.filename}: 200`];

describe('verbatim requests', () => {
  it('tells what was asked for and refused, and answers it in every worker at once', async () => {
    const url = await serve();
    expect(await seen(url)).toEqual(HELD);
    expect((await told(url, '/simple/secret/')).status).toBe(403);
    await expect
      .poll(async () => (await requests()).said.requests, { timeout: 60_000 })
      .toMatchObject([
        { project: 'alpha', version: '2.0', files: [NEW.filename], rule: 'minimum age', clients: 1, state: 'open' },
        { project: 'secret', files: [], rule: 'names', count: 1, clients: 1, state: 'open' },
      ]);

    const toNew = ['main', 'Alpha==2', '--rule', 'minimum age'];
    expect((await requests('--allow', ...toNew, '--reason', 'x', '--dry-run')).said).toMatchObject({ dryRun: true });
    expect(await seen(url)).toEqual(HELD);
    expect((await requests('--allow', ...toNew, '--reason', 'ticket 17')).said).toMatchObject({
      project: 'alpha',
      files: [NEW.filename],
      answers: [{ action: 'allow', version: '2', rule: 'minimum age', reason: 'ticket 17' }],
    });
    expect(await seen(url)).toEqual(SERVED);
    expect((await requests()).said.requests).toMatchObject([{ project: 'secret' }]);

    await requests('--deny', 'main', 'secret', '--rule', 'names', '--reason', 'ask the owner');
    for (let at = 0; at < TIMES; at++)
      expect((await told(url, '/simple/secret/')).text).toContain('keeps it so: ask the owner.');
    await requests('--deny', ...toNew, '--reason', 'use alpha 1');
    expect(await seen(url)).toEqual(HELD);
    expect((await requests()).said.requests).toEqual([]);
    expect((await requests('--all')).said.requests.map(({ state }: { state: string }) => state)).toEqual([
      'denied',
      'denied',
    ]);
    await endWorkers(child);

    const { audit } = await withState(data, async (index) => (await index.facts.read())?.value ?? { audit: [] });
    expect(audit.map(({ action, reason }) => `${action}: ${reason}`)).toEqual([
      'requests --allow alpha==2, rule minimum age: ticket 17',
      'requests --deny secret, rule names: ask the owner',
      'requests --deny alpha==2, rule minimum age: use alpha 1',
    ]);
  }, 180_000);

  it('answers where no server runs, and the next one goes by it', async () => {
    const words = ['main', 'alpha==2.0', '--rule', 'minimum age', '--reason', 'ticket 18'];
    await serve();
    await endWorkers(child);
    expect((await requests('--allow', ...words, '--until', '2020-01-01')).code).toBe(1);
    const { stdout } = await verbatim('requests', '--allow', ...words, '--until', '2999-12-24', ...config);
    expect(stdout).toContain('alpha==2.0 is let past the rule "minimum age" until 2999-12-24T00:00:00Z.');
    expect(stdout).toContain('It is in the audit trail.');
    expect(await seen(await serve())).toEqual(SERVED);
  }, 180_000);
});
