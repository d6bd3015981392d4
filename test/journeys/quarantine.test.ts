import type { ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeScratch } from '../rigs/mirror.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';
import { askAnew, endWorkers, WorkersRun } from '../support/workers.ts';

// What an operator puts in quarantine is gone at once, from every process on the data directory, and comes back when it is lifted.

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0');
const JSON_PAGE = { accept: 'application/vnd.pypi.simple.v1+json' };

let directory: string;
let data: string;
let pypi: FakePypi;
let child: ChildProcess | undefined;
const servers: RunningVerbatim[] = [];
beforeEach(async () => {
  directory = await makeScratch();
  data = join(directory, 'data');
  pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
  pypi.upload('alpha', NEWER);
});
afterEach(async () => {
  await endWorkers(child);
  child = undefined;
  for (const each of servers.splice(0)) await each.close();
  await pypi.close();
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 250 });
});

const flags = () => [
  ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
  ...['--max-age', '86400'],
];
const serve = async () => {
  const server = await startVerbatim(flags(), data);
  servers.push(server);
  return new URL(server.simple).origin;
};
const run = async (...words: readonly string[]) => {
  const { code, stdout, stderr } = await verbatim('quarantine', 'main', ...words, ...flags(), '--data', data, '--json');
  return { code, stderr, said: stdout === '' ? undefined : JSON.parse(stdout) };
};
/** Status of each file by its address, and what the page lists. */
const seen = async (url: string) => {
  const page: { readonly files: readonly { readonly filename: string }[] } = JSON.parse(
    await (await askAnew(`${url}/simple/alpha/`, JSON_PAGE)).text(),
  );
  const status = async (at: string) => {
    const answer = await askAnew(new URL(at, url).href);
    await answer.arrayBuffer();
    return answer.status;
  };
  return {
    listed: page.files.map(({ filename }) => filename),
    old: await status(pypi.storedAt(ALPHA)),
    newer: await status(pypi.storedAt(NEWER)),
  };
};
const ALL = { listed: [ALPHA.filename, NEWER.filename], old: 200, newer: 200 };
const WITHOUT = { listed: [ALPHA.filename], old: 200, newer: 403 };
const audit = () =>
  withState(data, async (index) =>
    ((await index.facts.read())?.value.audit ?? []).map(({ action, reason }) => `${action}: ${reason}`),
  );

describe('verbatim quarantine', () => {
  it('is in force in every server of the directory when the command ends, and so is its lifting', async () => {
    const [one, other] = [await serve(), await serve()];
    for (const url of [one, other]) expect(await seen(url)).toEqual(ALL);
    const asked = pypi.asked('alpha').length;
    const { said } = await run('Alpha==2', '--reason', 'ticket 17');
    expect(said).toMatchObject({ project: 'alpha', was: null, files: [NEWER.filename], entries: [{ version: '2' }] });
    for (const url of [one, other]) expect(await seen(url)).toEqual(WITHOUT);
    const refused = await (await askAnew(new URL(pypi.storedAt(NEWER), one).href)).text();
    expect(refused).toContain('in quarantine here (ticket 17)');
    expect(pypi.asked('alpha')).toHaveLength(asked);
    expect((await run('alpha==2.0', '--lift', '--reason', 'false alarm')).said).toMatchObject({
      was: 'ticket 17',
      entries: [],
    });
    for (const url of [one, other]) expect(await seen(url)).toEqual(ALL);
    expect(await audit()).toEqual(['quarantine alpha==2: ticket 17', 'quarantine --lift alpha==2.0: false alarm']);
    const { stdout } = await verbatim('events', ...flags(), '--data', data, '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { kind: 'quarantined', project: 'alpha', reason: 'ticket 17' },
      { kind: 'returned', project: 'alpha', reason: 'false alarm' },
    ]);
  }, 120_000);

  it('is in force in all workers of one server', async () => {
    const onChild = (started: ChildProcess) => {
      child = started;
    };
    const server = await (await WorkersRun.start([...flags(), '--data', data], { onChild })).all();
    const each = async () => {
      const answers: unknown[] = [];
      for (let at = 0; at < 6; at++) answers.push(await seen(server.url));
      return answers;
    };
    expect(await each()).toEqual(Array.from({ length: 6 }, () => ALL));
    await run('alpha==2.0', '--reason', 'ticket 17');
    expect(await each()).toEqual(Array.from({ length: 6 }, () => WITHOUT));
    await run('alpha==2.0', '--lift', '--reason', 'false alarm');
    expect(await each()).toEqual(Array.from({ length: 6 }, () => ALL));
  }, 120_000);

  it('without a server is in force from its start on, and a whole project is refused though its bytes are held', async () => {
    await seen(await serve());
    for (const each of servers.splice(0)) await each.close();
    const dry = await run('alpha', '--reason', 'all of it', '--dry-run');
    expect(dry.said).toMatchObject({ dryRun: true, files: [ALPHA.filename, NEWER.filename] });
    expect(await audit()).toEqual([]);
    await run('alpha', '--reason', 'all of it');
    expect(await seen(await serve())).toEqual({ listed: [], old: 403, newer: 403 });
  }, 120_000);

  it('refuses what is no name or version, what is not in quarantine, and a word without a reason', async () => {
    await seen(await serve());
    for (const [words, why] of [
      [['alpha==one', '--reason', 'x'], 'is no version'],
      [['al pha', '--reason', 'x'], "is no project's name"],
      [['alpha==1.0', '--lift', '--reason', 'x'], 'is not in quarantine'],
      [['alpha'], 'required option'],
    ] as const)
      expect(await run(...words)).toMatchObject({ code: 1, stderr: expect.stringContaining(why) });
  }, 120_000);
});
