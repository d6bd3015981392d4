import { setTimeout as sleep } from 'node:timers/promises';
import { largePage } from '../test/support/large.ts';
import { ask } from './support/ask.ts';
import { residentMemory } from './support/processes.ts';
import { atMost, type Measure, mebibytes } from './support/table.ts';
import { withUnsigned } from './support/unsigned.ts';

const PAGES = 1000;
const FILES = 50;
const REST_MS = 5000;

/** The memory of a mirror that has done nothing, and after a thousand different pages. */
export const indexMemory: Measure = (log) => {
  const projects = Array.from({ length: PAGES }, (_, i) => `project${i}`);
  const files = new Map(projects.map((project) => [`simple/${project}/`, largePage(project, FILES)]));
  return withUnsigned(files, async ({ mirror }) => {
    log(`memory: idle, then ${PAGES} pages`);
    await sleep(REST_MS);
    const idle = residentMemory(mirror.pid);
    for (const project of projects) await ask(`${mirror.url}simple/${project}/`);
    await sleep(REST_MS);
    const after = residentMemory(mirror.pid);
    if (idle === undefined || after === undefined) {
      log('*** This system does not say how much memory a process has: memory is NOT measured');
      return [];
    }
    return [
      atMost('memory of a mirror that has done nothing', idle, 120, mebibytes),
      atMost(`memory after ${PAGES.toLocaleString('en')} different pages of ${FILES} files`, after, 250, mebibytes),
    ];
  });
};
