import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { ItemPath } from '../../src/ports/state-storage.ts';
import { party } from '../unit/disk/state/rig.ts';
import { contentFor, pairOf } from './state-work.ts';

const CHILD = join(import.meta.dirname, 'state.child.ts');
const ROUNDS = 5;
const GENEROUS = 240_000;
/** Compiled once, by a process that comes through: those that are killed never write it. */
const CACHE = await mkdtemp(join(tmpdir(), 'verbatim-kill-cache-'));

beforeAll(async () => {
  const first = start(await mkdtemp(join(CACHE, 'data-')), 'first', '', '1');
  expect((await first.ended)[0]).toBe(0);
}, GENEROUS);
afterAll(() => rm(CACHE, { recursive: true, force: true }));

/** Creates of one process, by item: the highest version that it said, and whose it was. */
type Said = Map<string, { readonly version: number; readonly who: string }>;

function start(root: string, who: string, key: string, rounds = '') {
  const child = spawn(process.execPath, [CHILD, root, who, key, rounds], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(CACHE, 'compiled') },
  });
  let rest = '';
  let count = 0;
  const said: Said = new Map();
  /** Every version it created. */
  const won: string[] = [];
  const waiting: { readonly lines: number; readonly done: () => void }[] = [];
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      count++;
      const [name = '', version = '', whose = ''] = line.split(' ');
      if (name === 'ready') continue;
      said.set(name, { version: Number(version), who: whose });
      won.push(`${name} ${version}`);
    }
    for (const { lines: enough, done } of waiting) if (count >= enough) done();
  });
  const ended = once(child, 'close');
  return {
    said,
    won,
    ended,
    /** Resolves when so many lines came, or the process has ended. */
    lines: (enough: number) =>
      Promise.race([
        ended,
        new Promise<void>((done) => void (count >= enough ? done() : waiting.push({ lines: enough, done }))),
      ]),
    count: () => count,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function scratch(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'verbatim-kill-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return root;
}

async function mustHold(root: string, key: string, said: Said, floors: Map<string, number>): Promise<void> {
  const { state, close } = await party(root, { sealKey: key === '' ? undefined : Buffer.from(key, 'hex') });
  expect((await state.open('main')).damaged).toEqual([]);
  for (const [name, { version, who }] of said) {
    const item: ItemPath = ['main', 'pins', name];
    const newest = await state.newest(item, Math.max(version, floors.get(name) ?? 0));
    expect(newest?.version).toBeGreaterThanOrEqual(version);
    floors.set(name, newest?.version ?? 0);
    // What was created together is there together, and nothing of what was not.
    expect(await state.newest(pairOf(name), 0)).toEqual(newest);
    const value = await state.read(item, version);
    expect(value && Buffer.compare(value, contentFor(name, version, who))).toBe(0);
  }
  await close();
}

it.each([
  ['plain', ''],
  ['sealed', randomBytes(32).toString('hex')],
])(
  '%s: killed at any moment, every version that was created is there, and none that was not whole',
  async (_, key) => {
    const root = await scratch();
    const floors = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const child = start(root, `round-${round}`, key);
      // At another moment of a transaction each time.
      await child.lines(20 + 37 * round);
      await child.kill();
      expect(child.said.size).toBeGreaterThan(0);
      await mustHold(root, key, child.said, floors);
    }
  },
  GENEROUS,
);

it(
  'two processes on one state: one winner of each version, neither starves, and one that is killed holds nobody up',
  async () => {
    const root = await scratch();
    const [one, two] = [start(root, 'one', ''), start(root, 'two', '')];
    await Promise.all([one.lines(200), two.lines(200)]);
    await two.kill();
    const before = [...one.said.values()].reduce((sum, { version }) => sum + version, 0);
    await one.lines(one.count() + 200);
    expect([...one.said.values()].reduce((sum, { version }) => sum + version, 0)).toBeGreaterThan(before);
    await one.kill();
    for (const { said } of [one, two]) expect(said.size).toBeGreaterThan(0);
    const { state } = await party(root);
    for (const { said } of [one, two])
      for (const [name, { version, who }] of said) {
        // Removed, or still as its one winner wrote it.
        const value = await state.read(['main', 'pins', name], version);
        if (value !== undefined) expect(Buffer.compare(value, contentFor(name, version, who))).toBe(0);
      }
  },
  GENEROUS,
);

it(
  'four processes over one set of items have one winner of each version',
  async () => {
    const root = await scratch();
    const children = Array.from({ length: 4 }, (_, at) => start(root, `racer-${at}`, '', '8'));
    for (const { ended } of children) expect((await ended)[0]).toBe(0);
    const won = children.flatMap((child) => child.won);
    expect(won.length).toBeGreaterThan(80);
    expect(won.toSorted()).toEqual([...new Set(won)].toSorted());
  },
  GENEROUS,
);
