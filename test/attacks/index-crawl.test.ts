import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { IndexState } from '../../src/ports/index-state.ts';
import { type IndexRig, OLD, startIndexRig } from '../rigs/index-rig.ts';
import { JSON_PAGE } from '../rigs/mirror.ts';
import { answering } from '../support/bad-days.ts';
import { largePage } from '../support/large.ts';
import { letAllGo } from '../support/let-go.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// A client that asks for every project there is: what is remembered of them is bounded, and takes nothing from what is in use.

const ALPHA = tinyWheel('alpha');
const names = (count: number) => Array.from({ length: count }, (_, at) => `project-${at}`);

let rig: IndexRig;
afterEach(() => rig.close());

/** Pages that hardly shrink, but for what the next ones are not held to. */
async function start(projects: readonly string[], stateBytes: number): Promise<void> {
  rig = await startIndexRig({
    stateBytes,
    fill(pypi) {
      pypi.upload('alpha', ALPHA);
      for (const project of projects) {
        const wheel = tinyWheel(project);
        pypi.upload(project, wheel, { url: `${pypi.files.url}${wheel.filename}?${randomBytes(1800).toString('hex')}` });
      }
    },
  });
  expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
}

const asked = async (projects: readonly string[]) => {
  const answers: number[] = [];
  for (const project of projects) answers.push((await rig.get(`/simple/${project}/`)).status);
  return answers;
};
const onDisk = async () => (await stat(join(rig.data(), 'indexes', 'main', 'state', 'state.db'))).size;
const isWhole = (state: IndexState, project: string) =>
  state
    .page(project)
    .read()
    .then((known) => known?.value.page !== undefined && known.value.page.letGo === undefined);

async function isServedOn(): Promise<void> {
  expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
}

it('a crawl lets go of its own pages, and of none that is in use', async () => {
  const projects = names(400);
  const most = 1024 * 1024;
  await start(projects, most);
  expect(new Set(await asked(projects))).toEqual(new Set([200]));
  expect(await onDisk()).toBeLessThanOrEqual(most);
  expect(rig.events.letGo.length).toBeGreaterThan(100);
  expect(rig.events.stateRoom.map(({ room }) => room)).not.toContain('full');
  await rig.onDisk(async ({ state }) => {
    expect(await isWhole(state, 'alpha')).toBe(true);
    expect(await isWhole(state, 'project-0')).toBe(false);
  });
  await rig.restart();
  // Upstream is away: what is in use is there.
  rig.pypi.index.fault('/simple/alpha/', { kind: 'reset' });
  rig.clock.advance(OLD);
  await isServedOn();
});

it('a crawl ends where nothing is left to let go, which is said once, and what is held is served on', async () => {
  const projects = names(700);
  const most = 512 * 1024;
  await start(projects, most);
  const answers = await asked(projects);
  expect(answers[0]).toBe(200);
  expect(answers.at(-1)).toBe(503);
  expect(await rig.refused('/simple/project-699/')).toBe('503 limit');
  expect(await onDisk()).toBeLessThanOrEqual(most);
  expect(rig.events.stateRoom.filter(({ room }) => room === 'full')).toHaveLength(1);
  expect(rig.events.rejected).toContainEqual(expect.objectContaining({ reason: 'limit' }));
  // Those that were let go come back, and are held to what they were.
  rig.clock.advance(1000);
  expect((await rig.get('/simple/project-0/')).status).toBe(200);
  await isServedOn();
  await rig.restart();
  await isServedOn();
  rig.pypi.setSerial('project-1', 1);
  expect(await rig.refused('/simple/project-1/')).toBe('502 regressed');
});

it('names that are not there cost nothing on disk', async () => {
  await start([], 1024 * 1024);
  const entries = () =>
    rig.onDisk(async ({ storage }) => {
      const { contents, bytes } = await storage.usage('main');
      return [bytes, ...Object.values(contents).map((part) => part.entries)];
    });
  const before = await entries();
  expect(new Set(await asked(names(300)))).toEqual(new Set([404]));
  expect(await entries()).toEqual(before);
});

/** Files and folders below a directory. */
async function inodesIn(directory: string): Promise<number> {
  return (await readdir(directory, { recursive: true })).length;
}

it('a crawl of thousands of projects takes a bounded number of bytes a project, and no file', async () => {
  const COUNT = 2500;
  const FILES = 5;
  rig = await startIndexRig();
  const projects = names(COUNT).map((name) => name.replace('-', ''));
  for (const project of projects) {
    const page = largePage(project, FILES);
    rig.pypi.page(project, () => answering(200, page, { 'content-type': JSON_PAGE }));
  }
  const inodes = await inodesIn(rig.data());
  const size = await sizeOf();
  const left = projects.values();
  const one = async () => {
    for (const project of left) expect((await rig.get(`/simple/${project}/`)).status).toBe(200);
  };
  await Promise.all(Array.from({ length: 32 }, one));
  expect((await inodesIn(rig.data())) - inodes).toBeLessThan(10);
  const each = ((await sizeOf()) - size) / COUNT;
  expect(each).toBeLessThan(3500);
  // What is left of them when they are let go.
  expect(await letAllGo(rig.data())).toBe(COUNT);
  const { contents } = await rig.onDisk(({ storage }) => storage.usage('main'));
  expect(contents.pages).toEqual({ entries: 0, bytes: 0 });
  expect((contents.floors.bytes + contents.pins.bytes) / COUNT).toBeLessThan(1800);
  console.info(
    `a project of ${FILES} files: ${Math.round(each)} bytes on disk, ${Math.round((contents.floors.bytes + contents.pins.bytes) / COUNT)} once its page was let go`,
  );
}, 300_000);

async function sizeOf(): Promise<number> {
  return (await rig.onDisk(({ storage }) => storage.usage('main'))).bytes;
}
