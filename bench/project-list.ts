import { setTimeout as sleep } from 'node:timers/promises';
import { largeList } from '../test/support/large.ts';
import { ask, JSON_PAGE } from './support/ask.ts';
import { cpuOf } from './support/cpu.ts';
import { withDirectory } from './support/index.ts';
import { residentMemory } from './support/processes.ts';
import { atMost, type Measure, mebibytes, milliseconds } from './support/table.ts';
import { serveIndex, startUnsigned } from './support/unsigned.ts';

/** As many as PyPI has. */
const NAMES = 700_000;
/** Longer than the thread that draws it lives on, and than a list stays in memory that nobody asks for. */
const REST_MS = 20_000;
const GZIP = { ...JSON_PAGE, 'Accept-Encoding': 'gzip' };
const PLAIN = { ...JSON_PAGE, 'Accept-Encoding': 'identity' };

/** The list of all projects: what it leaves in memory once it was asked for, and what a start has of it without upstream. */
export const projectList: Measure = (log) =>
  withDirectory(async (directory) => {
    const upstream = await serveIndex(new Map([['simple/', largeList(NAMES)]]));
    const resident = (pid: number) => residentMemory(pid) ?? Number.NaN;
    let mirror = await startUnsigned(directory, upstream.url);
    const what = `list of ${NAMES.toLocaleString('en')} projects`;
    try {
      log('project list: drawn');
      await sleep(REST_MS / 10);
      const idle = resident(mirror.pid);
      await ask(`${mirror.url}simple/`, GZIP);
      const drawn = resident(mirror.pid);
      await sleep(REST_MS);
      const after = resident(mirror.pid);
      log('project list: after a start without upstream');
      await mirror.stop();
      await upstream.close();
      mirror = await startUnsigned(directory, upstream.url);
      await sleep(REST_MS / 10);
      const again = resident(mirror.pid);
      const cpu = cpuOf(mirror.pid);
      await ask(`${mirror.url}simple/`, GZIP);
      const taken = cpuOf(mirror.pid) - cpu;
      for (let at = 0; at < 10; at++) await ask(`${mirror.url}simple/`, at % 2 === 0 ? PLAIN : GZIP);
      await sleep(REST_MS);
      const rested = resident(mirror.pid);
      return [
        atMost(
          `${what}: memory over idle, some time after it was asked for`,
          after - idle,
          320,
          mebibytes,
          `right after ${mebibytes(drawn - idle)}, idle ${mebibytes(idle)}`,
        ),
        atMost(
          `the same after a start without upstream, and ten more answers`,
          rested - again,
          120,
          mebibytes,
          `CPU of the first answer ${milliseconds(taken)}`,
        ),
      ];
    } finally {
      await mirror.stop();
      await upstream.close();
    }
  });
