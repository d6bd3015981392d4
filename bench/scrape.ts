import { largePage } from '../test/support/large.ts';
import { ask, JSON_PAGE } from './support/ask.ts';
import { cpuOf } from './support/cpu.ts';
import { withServers } from './support/index.ts';
import { serve } from './support/mirror.ts';
import { atMost, type Measure, milliseconds } from './support/table.ts';
import { serveIndex } from './support/unsigned.ts';

const PROJECTS = 50;
const SCRAPES = 200;

/** CPU of one scrape of a mirror that holds some pages. */
export const scrape: Measure = (log) => {
  const files = new Map(
    Array.from({ length: PROJECTS }, (_, at) => [`simple/p${at}/`, largePage(`p${at}`, 20)] as const),
  );
  return withServers(
    () => serveIndex(files),
    startScraped,
    async ({ mirror }) => {
      for (let at = 0; at < PROJECTS; at++) await ask(`${mirror.url}simple/p${at}/`, JSON_PAGE);
      const metrics = mirror.metrics ?? '';
      const { body } = await ask(metrics, {});
      log(`scrape: ${SCRAPES} times`);
      const before = cpuOf(mirror.pid);
      for (let at = 0; at < SCRAPES; at++) await ask(metrics, {});
      const each = (cpuOf(mirror.pid) - before) / SCRAPES;
      return [atMost(`a scrape of ${body.toString().split('\n').length} lines: CPU`, each, 20, milliseconds)];
    },
  );
};

function startScraped(directory: string, upstream: string) {
  return serve(directory, ['--upstream', `${upstream}simple/`, '--max-age', '86400', '--admin-port', '0']);
}
