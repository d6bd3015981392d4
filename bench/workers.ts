import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { JSON_PAGE } from './support/ask.ts';
import { cpuOfAll } from './support/cpu.ts';
import { rootOf, startMirror, withMirror } from './support/index.ts';
import { type Load, load } from './support/load.ts';
import type { Mirror } from './support/mirror.ts';
import { startNginx } from './support/nginx.ts';
import { childFile, type Running, start } from './support/processes.ts';
import { readAll } from './support/read-all.ts';
import { CONNECTIONS, KILOBYTES, PAGE, samplePage } from './support/sample-page.ts';
import {
  alternate,
  compare,
  gigabytes,
  type Log,
  type Measure,
  median,
  microseconds,
  milliseconds,
  perSecond,
  type Row,
} from './support/table.ts';

const WORKERS = 2;
const SECONDS = 2;
const ROUNDS = 5;
/** V8 goes on making the code of a server faster for so long. */
const WARM_UP_SECONDS = 5;
const SIZE = 50_000_000;
const READERS = 8;
const READS = 32;
/** Of CPU, beside one worker's. */
const MOST_CPU = 1.1;

/** Two workers, and whoever asks them, need four cores to be measured apart. */
const IS_APART = availableParallelism() >= 2 * WORKERS;
const WHERE = IS_APART ? 'load on cores of its own' : `load on the same ${availableParallelism()} cores`;
const AT_LEAST = IS_APART ? 1.7 : 1.3;

/** Two workers of one server beside one, and nginx with as many. */
export const workers: Measure = async (log) => {
  const index = samplePage();
  const wheel = { filename: 'large-1.0-py3-none-any.whl', bytes: randomBytes(SIZE) };
  index.upload('large', wheel);
  return withMirror(index, async ({ directory, upstream, mirror: one }) => {
    const other = join(directory, 'workers');
    mkdirSync(other);
    const two = await startMirror(other, upstream.url, rootOf(index), { workers: WORKERS });
    const nginx = await startNginx(directory, new Map([['file', wheel.bytes]]), log, { workers: WORKERS });
    const readers = Array.from({ length: READERS }, () => start(process.execPath, [childFile('reader.ts')]));
    try {
      for (const reader of readers) await reader.line();
      await warmUp([one, two]);
      const path = index.filePath(wheel);
      return [
        ...(await pages({ one, two }, log)),
        ...(await files(
          { one, two },
          { readers, path, nginx: nginx === undefined ? undefined : `${nginx.url}file` },
          log,
        )),
      ];
    } finally {
      await Promise.all(readers.map((reader) => reader.stop()));
      await nginx?.stop();
      await two.stop();
    }
  });
};

interface Servers {
  readonly one: Mirror;
  readonly two: Mirror;
}

const pageOf = ({ url }: Mirror): Load => ({
  url: url + PAGE,
  headers: JSON_PAGE,
  connections: CONNECTIONS,
  seconds: SECONDS,
});

/** The first worker is waited for by whoever starts it, and the others come a moment later. */
async function warmUp(mirrors: readonly Mirror[]): Promise<void> {
  for (const mirror of mirrors)
    for (let turn = 0; turn < WORKERS; turn++) await load({ ...pageOf(mirror), seconds: WARM_UP_SECONDS });
}

/** What a server's processes take of CPU for each answer while one of its figures is taken; milliseconds. */
function cpuMeter({ pid }: Mirror) {
  const figures: number[] = [];
  return {
    async metered<T>(take: () => Promise<T>, answersOf: (taken: T) => number): Promise<T> {
      const before = cpuOfAll(pid);
      const taken = await take();
      figures.push((cpuOfAll(pid) - before) / answersOf(taken));
      return taken;
    },
    each: () => median(figures),
  };
}

async function pages({ one, two }: Servers, log: Log): Promise<readonly Row[]> {
  log('workers: a warm page');
  const [cpuOfOne, cpuOfTwo] = [cpuMeter(one), cpuMeter(two)];
  const rate =
    (mirror: Mirror, { metered }: ReturnType<typeof cpuMeter>) =>
    async () =>
      (
        await metered(
          () => load(pageOf(mirror)),
          ({ answers }) => answers,
        )
      ).perSecond;
  const figure = await alternate(ROUNDS, { one: rate(one, cpuOfOne), two: rate(two, cpuOfTwo) });
  const what = `warm project page, ${KILOBYTES} KB of JSON, ${WORKERS} workers`;
  return [
    compare({
      what: `${what}, ${WHERE}`,
      ours: figure('two'),
      beside: ['one worker', figure('one')],
      show: perSecond,
      atLeast: AT_LEAST,
    }),
    compare({
      what: `${what}, CPU per answer of all their processes`,
      ours: cpuOfTwo.each(),
      beside: ['one worker', cpuOfOne.each()],
      show: microseconds,
      atMost: MOST_CPU,
    }),
  ];
}

interface Files {
  readonly readers: readonly Running[];
  readonly path: string;
  /** Where nginx has it. */
  readonly nginx: string | undefined;
}

async function files({ one, two }: Servers, { readers, path, nginx }: Files, log: Log): Promise<readonly Row[]> {
  log(`workers: ${READERS} readers`);
  const [cpuOfOne, cpuOfTwo] = [cpuMeter(one), cpuMeter(two)];
  const read = (url: string) => readAll(readers, url, READS);
  const rate =
    ({ url }: Mirror, { metered }: ReturnType<typeof cpuMeter>) =>
    () =>
      metered(
        () => read(url + path),
        () => READS,
      );
  const figure = await alternate(ROUNDS, {
    one: rate(one, cpuOfOne),
    two: rate(two, cpuOfTwo),
    nginx: nginx === undefined ? undefined : () => read(nginx),
  });
  const what = `warm 50 MB file, every chunk checked, ${READERS} readers, ${WORKERS} workers`;
  return [
    compare({
      what: `${what}, ${WHERE}`,
      ours: figure('two'),
      beside: ['one worker', figure('one')],
      show: gigabytes,
      atLeast: AT_LEAST,
    }),
    compare({
      what: `${what}, CPU per answer of all their processes`,
      ours: cpuOfTwo.each(),
      beside: ['one worker', cpuOfOne.each()],
      show: milliseconds,
      atMost: MOST_CPU,
    }),
    compare({
      what: `${what} of each`,
      ours: figure('two'),
      beside: ['nginx', nginx === undefined ? undefined : figure('nginx')],
      show: gigabytes,
      atLeast: 1,
    }),
  ];
}
