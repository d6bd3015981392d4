import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startUpstream } from '../test/support/upstream.ts';
import { rootOf, smallIndex, startMirror, withDirectory } from './support/index.ts';
import { atMost, type Measure, median, milliseconds } from './support/table.ts';

const BLOBS = 100_000;
const ROUNDS = 5;

/** A start over a full data directory: from the start of the process to a page and a file that were kept. */
export const restart: Measure = (log) =>
  withDirectory(async (directory) => {
    const index = smallIndex();
    const wheel = { filename: 'sampleproject-1.0-py3-none-any.whl', bytes: Buffer.from('a wheel') };
    index.upload('sampleproject', wheel);
    index.publish();
    const upstream = await startUpstream({ files: index.repository.files });
    const answers = async (): Promise<readonly [page: number, file: number]> => {
      const begun = performance.now();
      const mirror = await startMirror(directory, upstream.url, rootOf(index));
      try {
        await get(`${mirror.url}simple/sampleproject/`);
        const page = performance.now() - begun;
        await get(mirror.url + index.filePath(wheel));
        return [page, performance.now() - begun];
      } finally {
        await mirror.stop();
      }
    };
    try {
      await answers();
      log(`restart: making ${BLOBS.toLocaleString('en')} files`);
      fill(join(directory, 'data', 'blobs'));
      // Once unmeasured: it writes its own record of what is there.
      await answers();
      log('restart: starting');
      const taken = [];
      for (let round = 0; round < ROUNDS; round++) taken.push(await answers());
      const first = median(taken.map(([page]) => page));
      const file = median(taken.map(([, both]) => both));
      return [
        atMost(
          `start to the first answer with ${BLOBS.toLocaleString('en')} files on disk`,
          first,
          1000,
          milliseconds,
          `and to a file that was kept ${milliseconds(file)}`,
        ),
      ];
    } finally {
      await upstream.close();
    }
  });

/** Blobs as the store lays them out. */
function fill(blobs: string): void {
  for (let prefix = 0; prefix < 256; prefix++)
    mkdirSync(join(blobs, 'sha256', prefix.toString(16).padStart(2, '0')), { recursive: true, mode: 0o700 });
  for (let i = 0; i < BLOBS; i++) {
    const bytes = Buffer.from(`blob ${i}`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(blobs, 'sha256', sha256.slice(0, 2), sha256.slice(2)), bytes, { mode: 0o444 });
  }
}

async function get(url: string): Promise<void> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
  await response.arrayBuffer();
}
