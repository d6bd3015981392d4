import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { largePage } from '../test/support/large.ts';
import { startUpstream } from '../test/support/upstream.ts';
import { ask, JSON_PAGE } from './support/ask.ts';
import { withServers } from './support/index.ts';
import { residentMemory } from './support/processes.ts';
import { atMost, type Measure, mebibytes } from './support/table.ts';
import { startUnsigned } from './support/unsigned.ts';

const PROJECTS = Number(process.env['CRAWL_PROJECTS'] ?? 50_000);
const AT_ONCE = 16;
const REST_MS = 5000;
const TYPE = JSON_PAGE.Accept;

/** Files of a project: from one to twenty, ten and a half on average. */
const filesOf = (name: string) => 1 + (Number(name.slice('project'.length)) % 20);

/** Pages of every project there is: each as large as its name says. */
const startIndex = () =>
  startUpstream({
    handler: ({ url = '' }, response) => {
      const name = /^\/simple\/(project\d+)\/$/.exec(url)?.[1];
      if (name === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'Content-Type': TYPE }).end(largePage(name, filesOf(name)));
    },
  });

/** What docs/operating.md promises at the default setting: 400 MB and twice 192 MiB. */
const MOST_MEMORY = 765;

/** What one client that asks for every project there is leaves behind on disk and in memory. */
export const crawl: Measure = (log) =>
  withServers(startIndex, startUnsigned, async ({ mirror, directory }) => {
    log(`crawl: ${PROJECTS} projects`);
    const idle = onDisk(join(directory, 'data'));
    let next = 0;
    const one = async () => {
      for (let at = next++; at < PROJECTS; at = next++) await ask(`${mirror.url}simple/project${at}/`, JSON_PAGE);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    await sleep(REST_MS);
    const { bytes, inodes } = onDisk(join(directory, 'data'));
    const memory = residentMemory(mirror.pid);
    const what = `a crawl of ${PROJECTS.toLocaleString('en')} projects`;
    return [
      atMost(`${what}: bytes on disk a project`, (bytes - idle.bytes) / PROJECTS, 8000, (figure) => figure.toFixed(0)),
      atMost(`${what}: files and folders in all`, inodes - idle.inodes, 10, (figure) => figure.toFixed(0)),
      ...(memory === undefined ? [] : [atMost(`${what}: memory after it`, memory, MOST_MEMORY, mebibytes)]),
    ];
  });

function onDisk(directory: string): { readonly bytes: number; readonly inodes: number } {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const bytes = paths.reduce((sum, path) => sum + statSync(join(directory, path)).size, 0);
  return { bytes, inodes: paths.length };
}
