import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { makeScratch } from '../rigs/mirror.ts';
import { dice } from '../support/dice.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { until } from '../support/redis.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { UnsignedBook } from '../support/unsigned-book.ts';
import { startVerbatim, verbatim } from '../support/verbatim.ts';
import { endWorkers, WorkersRun } from '../support/workers.ts';

// Workers are killed at random while clients ask and upstream adds releases: each takes its own answers with it, and nothing else.

/** A hundred take some minutes. */
const KILLS = Number(process.env['VERBATIM_TEST_WORKER_KILLS'] ?? 15);
const CLIENTS = 6;
const PROJECTS = 8;
const SEED = Number(process.env['VERBATIM_TEST_SEED'] ?? 7);
const PATIENCE = { timeout: 120_000 + KILLS * 40_000 };

/** Has a release more after each kill. */
const MOVING = 'moving';
const release = (kill: number) => tinyWheel(MOVING, `${kill + 1}.0`);

interface Project {
  readonly name: string;
  readonly files: readonly IndexFile[];
}

let directory: string;
let pypi: FakePypi;
let book: UnsignedBook;
let child: ChildProcess | undefined;
let projects: readonly Project[];
beforeEach(async () => {
  directory = await makeScratch();
  pypi = await startFakePypi();
  projects = Array.from({ length: PROJECTS }, (_, at) => ({
    name: `project${at}`,
    // What lies in a database, and what lies in files: both, of every project.
    files: [3000, 300_000].map((size, version) => ({
      filename: `project${at}-${version + 1}.0-py3-none-any.whl`,
      bytes: Buffer.alloc(size, `project ${at}, version ${version + 1}.`),
    })),
  }));
  book = new UnsignedBook(pypi);
  for (const { name, files } of projects) for (const file of files) book.upload(name, file);
  book.upload(MOVING, release(0));
});
afterEach(async () => {
  await endWorkers(child);
  child = undefined;
  await pypi.close();
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 250 });
});

/** The connection ended under way. */
function isCut(error: unknown): boolean {
  return error instanceof TypeError && error.message === 'fetch failed';
}

it(`of ${KILLS} workers that are killed under load none takes more than its own answers`, PATIENCE, async () => {
  const data = join(directory, 'data');
  const upstream = ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
  // What is served is what upstream has: nothing of a page is fresh.
  const flags = [...upstream, '--max-age', '0', '--data', data];
  const onChild = (started: ChildProcess) => {
    child = started;
  };
  const server = await (await WorkersRun.start(flags, { onChild })).all();
  const roll = dice(SEED);
  let isOver = false;
  let taken = 0;
  let cut = 0;
  let asked = 0;
  // Which worker answers nobody can say: each answer is that of one of its own, beside others that hear what it knows.
  const anybody = () => ({ replica: `worker of answer ${++asked}`, simple: `${server.url}/simple/` });
  book.together();
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!isOver) {
      const project = projects[roll(PROJECTS)];
      if (project === undefined) throw new Error('there is no such project');
      try {
        await book.take(anybody(), project.name, project.files[roll(2)]?.filename);
        await book.take(anybody(), MOVING);
        taken++;
      } catch (error) {
        if (!isCut(error)) throw error;
        cut++;
      }
    }
  });
  const loaded = Promise.all(clients);
  const killing = (async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const { workers } = server;
      const victim = workers[roll(workers.length)];
      if (victim === undefined) throw new Error('no worker runs');
      process.kill(victim, 'SIGKILL');
      book.upload(MOVING, release(kill + 1));
      const number = /worker (\d) ended \(SIGKILL\)/.exec(await server.line('ended (SIGKILL)'))?.[1];
      await server.line(`worker ${number} answers`);
    }
  })();
  // Whatever a client meets that is neither an answer nor the end of its connection ends it here.
  await Promise.race([killing, loaded]);
  await killing;
  isOver = true;
  await loaded;
  // What upstream has in the end is served.
  await until(async () => (await book.take(anybody(), MOVING)).length === 1 + KILLS);
  book.holds(4 * KILLS);
  expect(taken).toBeGreaterThan(KILLS);
  // A client has one answer in work.
  expect(cut).toBeLessThanOrEqual(KILLS * CLIENTS);
  // What a worker was downloading as it was killed is downloaded again.
  for (const { files } of projects)
    for (const file of files) expect(pypi.files.asked(pypi.storedAt(file)).length).toBeLessThanOrEqual(1 + KILLS);

  const ended = once(server.child, 'exit');
  server.child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  const { code, stdout } = await verbatim('verify', ...upstream, '--data', data, '--json');
  expect([code, JSON.parse(stdout).wrong ?? []]).toEqual([0, []]);
  // Nothing is lost: all of it is served where upstream is not asked.
  const again = await startVerbatim([...upstream, '--offline'], data);
  try {
    const offline = { replica: 'another process', simple: again.simple };
    for (const { name, files } of projects)
      for (const { filename } of files) expect(await book.take(offline, name, filename)).toHaveLength(files.length);
    expect(await book.take(offline, MOVING)).toHaveLength(1 + KILLS);
    book.holds(4 * KILLS);
  } finally {
    await again.close();
  }
});
