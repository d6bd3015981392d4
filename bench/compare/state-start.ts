import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ask, JSON_PAGE } from '../support/ask.ts';
import { askForAll } from '../support/cold-requests.ts';
import { cpuOf } from '../support/cpu.ts';
import { packages } from '../support/packages.ts';
import { serveIndex, startUnsigned } from '../support/unsigned.ts';
import type { Group } from './side.ts';

const PACKAGES = 300;

/** From the start of the process over a data directory with pages, pins and files to a page that was kept. */
export async function stateStart(): Promise<Group> {
  const kept = packages('kept', PACKAGES);
  const upstream = await serveIndex(kept.files);
  return {
    async open(program, directory) {
      const data = join(directory, 'filled');
      mkdirSync(data);
      const first = await startUnsigned(data, upstream.url, { program });
      await askForAll(first, kept);
      await first.stop();
      return {
        figures: new Map([
          [
            `start over ${PACKAGES} packages, to the first page`,
            async () => {
              const again = join(directory, 'again');
              cpSync(data, again, { recursive: true });
              const mirror = await startUnsigned(again, upstream.url, { program });
              await ask(`${mirror.url}simple/${kept.top}/`, JSON_PAGE);
              const cpu = cpuOf(mirror.pid);
              await mirror.stop();
              return cpu;
            },
          ],
        ]),
        stop: async () => undefined,
      };
    },
    close: () => upstream.close(),
  };
}
