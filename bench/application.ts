import { largePage } from '../test/support/large.ts';
import { ask, JSON_PAGE } from './support/ask.ts';
import { cpuOf, cpuPerAnswer } from './support/cpu.ts';
import { residentMemory } from './support/processes.ts';
import { atMost, type Measure, mebibytes, milliseconds } from './support/table.ts';
import { withUnsigned } from './support/unsigned.ts';

const PACKAGES = 96;
/** The smallest has so many files, and each further one so many times as many: 20 to 2,000. */
const LEAST = 20;
const GROWTH = 1.05;
const LARGEST = 20_000;
const SECONDS = 3;
const GZIP = { ...JSON_PAGE, 'Accept-Encoding': 'gzip' };
/** `cache.memory_bytes` where nothing is configured, in mebibytes, and what docs/operating.md says of the process. */
const SETTING = 192;
const RESIDENT = 400 + 2 * SETTING;

/** An application of 96 packages asked for again and again, and a page of 20,000 files, with the memory that nobody configured. */
export const application: Measure = (log) => {
  const names = Array.from({ length: PACKAGES }, (_, at) => `package${at}`);
  const files = new Map(
    names.map((name, at) => [`simple/${name}/`, largePage(name, Math.round(LEAST * GROWTH ** at))] as const),
  );
  files.set('simple/largest/', largePage('largest', LARGEST));
  return withUnsigned(files, async ({ mirror }) => {
    const round = async (): Promise<number> => {
      const before = cpuOf(mirror.pid);
      for (const name of names) await ask(`${mirror.url}simple/${name}/`, GZIP);
      return cpuOf(mirror.pid) - before;
    };
    log(`application: ${PACKAGES} pages, twice`);
    const first = await round();
    const second = await round();
    log(`application: a page of ${LARGEST.toLocaleString('en')} files`);
    const url = `${mirror.url}simple/largest/`;
    const { body } = await ask(url, GZIP);
    const each = await cpuPerAnswer(mirror.pid, { url, headers: GZIP, connections: 8, seconds: SECONDS });
    const third = await round();
    return [
      atMost(
        `an application of ${PACKAGES} packages, second round: CPU`,
        second,
        200,
        milliseconds,
        `first ${milliseconds(first)}, third, after the page of ${LARGEST.toLocaleString('en')} files, ${milliseconds(third)}`,
      ),
      atMost(
        `project page of ${LARGEST.toLocaleString('en')} files, warm, ${(body.byteLength / 1e6).toFixed(1)} MB: CPU of an answer`,
        each,
        2,
        milliseconds,
        `${Math.round(1000 / each)} answers a second on one core`,
      ),
      atMost('the same: resident memory', residentMemory(mirror.pid) ?? Number.NaN, RESIDENT, mebibytes),
    ];
  });
};
