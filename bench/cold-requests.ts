import { askForAll, cpuOfEach } from './support/cold-requests.ts';
import { withDirectory } from './support/index.ts';
import { packages } from './support/packages.ts';
import { callsDuring } from './support/system-calls.ts';
import { atMost, type Measure, median, milliseconds, type Row } from './support/table.ts';
import { serveIndex, startUnsigned } from './support/unsigned.ts';

const COUNT = 90;
const ROUNDS = 5;
/** So many installations before a process counts as warmed up. */
const WARM_UP = 4;

/** What one request for something nobody asked for yet costs the mirror: CPU, and calls to the file system. */
export const coldRequests: Measure = async (log) => {
  const sets = Array.from({ length: WARM_UP + ROUNDS + 1 }, (_, i) => packages(`set${i}`, COUNT));
  const upstream = await serveIndex(new Map(sets.flatMap(({ files }) => [...files])));
  try {
    const fresh: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      log(`cold requests: fresh process ${round} of ${ROUNDS}`);
      await withDirectory(async (directory) => {
        const mirror = await startUnsigned(directory, upstream.url);
        await cpuOfEach(mirror, { projects: sets[0]?.projects ?? [] })
          .then((each) => fresh.push(each))
          .finally(() => mirror.stop());
      });
    }
    return await withDirectory(async (directory) => {
      const mirror = await startUnsigned(directory, upstream.url);
      try {
        log('cold requests: warming up');
        for (const set of sets.slice(0, WARM_UP)) await askForAll(mirror, set);
        const warm: number[] = [];
        for (const set of sets.slice(WARM_UP, -1)) warm.push(await cpuOfEach(mirror, set));
        log('cold requests: system calls');
        const calls = await callsDuring(mirror.pid, () => askForAll(mirror, sets.at(-1) ?? { projects: [] }), log);
        const cpu = (where: string, taken: readonly number[], limit: number) =>
          atMost(`cold request (page, core metadata or wheel), ${where}: CPU`, median(taken), limit, milliseconds);
        const counted = (what: string, all: number, limit: number): Row =>
          atMost(`cold package (page, core metadata and wheel): ${what}`, all / COUNT, limit, (each) =>
            each.toFixed(1),
          );
        return [
          cpu('warmed up', warm, 2.5),
          cpu(`the first ${COUNT * 3} of a fresh process`, fresh, 6),
          ...(calls === undefined
            ? []
            : [counted('file system calls', calls.all, 30), counted('fsyncs', calls.syncs, 1)]),
        ];
      } finally {
        await mirror.stop();
      }
    });
  } finally {
    await upstream.close();
  }
};
