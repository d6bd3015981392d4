import { largeList, largePage } from '../test/support/large.ts';
import { startBare } from './support/answer.ts';
import { ask, JSON_PAGE } from './support/ask.ts';
import { cpuOf } from './support/cpu.ts';
import { load } from './support/load.ts';
import { startNeighbours } from './support/neighbours.ts';
import { startNginx } from './support/nginx.ts';
import { childFile, start } from './support/processes.ts';
import { alternate, atMost, compare, type Measure, median, milliseconds, type Row } from './support/table.ts';
import { serveIndex, withUnsigned } from './support/unsigned.ts';

const FILES = 10_000;
const NAMES = 800_000;
const ROUNDS = 3;
const SECONDS = 2;
const PLAIN = { ...JSON_PAGE, 'Accept-Encoding': 'identity' };

/** A project page of 10,000 files and the list of all projects, cold and warm, and how long others wait meanwhile. */
export const largePages: Measure = (log) => {
  const projects = Array.from({ length: ROUNDS + 1 }, (_, i) => `large${i}`);
  const files = new Map(projects.map((project) => [`simple/${project}/`, largePage(project, FILES)]));
  files.set('simple/small/', largePage('small', 10));
  files.set('simple/', largeList(NAMES));
  return withUnsigned(files, async ({ directory, mirror }) => {
    const simple = `${mirror.url}simple/`;
    await ask(`${simple}small/`, PLAIN);
    const bare = await startBare([{ path: '/ping', status: 200, headers: [], body: '' }]);
    const pinger = start(process.execPath, [childFile('pinger.ts'), `${simple}small/`, `${bare.url}/ping`]);
    const longest = async () => {
      pinger.tell('1');
      return JSON.parse(await pinger.line()) as readonly [ours: number, bare: number];
    };
    /** What one request costs the mirror, and the longest another waits at it and at a bare server meanwhile. */
    const watched = async (url: string) => {
      await longest();
      const [before, begun] = [cpuOf(mirror.pid), performance.now()];
      const { body: bytes } = await ask(url, PLAIN);
      const [cpu, wall] = [cpuOf(mirror.pid) - before, performance.now() - begun];
      const [ours, control] = await longest();
      return { bytes, cpu, wall, ours, control };
    };
    const waits = (what: string, taken: readonly { readonly ours: number; readonly control: number }[]): Row => {
      const [ours, control] = [median(taken.map((one) => one.ours)), median(taken.map((one) => one.control))];
      return {
        ...atMost(`${what}: longest wait of another request, over a bare server's`, ours - control, 50, milliseconds),
        beside: `ours ${milliseconds(ours)}, bare node:http ${milliseconds(control)} in the same seconds`,
      };
    };
    // The list of 800,000 is ours alone to bear: proxpi reads it before every first page.
    const beside = await serveIndex(new Map([...files].filter(([path]) => path === 'simple/large0/')));
    const neighbours = await startNeighbours(directory, `${beside.url}simple/`, log);
    try {
      log('large pages: cold');
      const cold = [];
      for (const project of projects) cold.push(await watched(`${simple}${project}/`));
      const counted = cold.slice(1);
      log('large pages: the list of all projects');
      const list = await watched(simple);
      log('large pages: warm');
      const [bytes = Buffer.alloc(0)] = cold.map((one) => one.bytes);
      const nginx = await startNginx(directory, new Map([['page.json', bytes]]), log);
      const each = (url: string | undefined) =>
        url === undefined
          ? undefined
          : async () => 1000 / (await load({ url, headers: JSON_PAGE, connections: 1, seconds: SECONDS })).perSecond;
      const figure = await alternate(ROUNDS, {
        ours: each(`${simple}large0/`),
        nginx: each(nginx && `${nginx.url}page.json`),
        devpi: each(neighbours.devpi && `${neighbours.devpi}large0/`),
        proxpi: each(neighbours.proxpi && `${neighbours.proxpi}large0/`),
      }).finally(() => nginx?.stop());
      const shown = (name: 'devpi' | 'proxpi') =>
        [name, neighbours[name] === undefined ? undefined : figure(name)] as const;
      return [
        atMost(
          `project page of ${FILES.toLocaleString('en')} files, cold: CPU`,
          median(counted.map(({ cpu }) => cpu)),
          1000,
          milliseconds,
          `wall ${milliseconds(median(counted.map(({ wall }) => wall)))}`,
        ),
        waits('the same', counted),
        compare({
          what: `the same, warm, ${(bytes.byteLength / 1e6).toFixed(1)} MB, time of a request`,
          ours: figure('ours'),
          beside: ['nginx', nginx && figure('nginx')],
          also: [shown('devpi'), shown('proxpi')],
          show: milliseconds,
          atMost: 2,
        }),
        waits(`list of ${NAMES.toLocaleString('en')} projects, cold`, [list]),
      ];
    } finally {
      await neighbours.stop();
      await beside.close();
      await pinger.stop();
      await bare.stop();
    }
  });
};
