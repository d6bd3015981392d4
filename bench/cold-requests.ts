import { askForAll, cpuOfEach } from './support/cold-requests.ts';
import { withDirectory } from './support/index.ts';
import { type Packages, packages } from './support/packages.ts';
import { type Calls, callsDuring } from './support/system-calls.ts';
import { atMost, type Log, type Measure, median, milliseconds, type Row } from './support/table.ts';
import { serveIndex, startUnsigned } from './support/unsigned.ts';

const COUNT = 90;
const ROUNDS = 5;
/** So many installations before a process counts as warmed up. */
const WARM_UP = 4;

/** What one request for something nobody asked for yet costs the mirror: CPU, and calls to the file system. */
export const coldRequests: Measure = async (log) => {
  const [traced, ...sets] = Array.from({ length: WARM_UP + ROUNDS + 1 }, (_, i) => packages(`set${i}`, COUNT));
  if (traced === undefined) throw new Error('no packages');
  const upstream = await serveIndex(new Map([traced, ...sets].flatMap(({ files }) => [...files])));
  const cpu = (where: string, taken: readonly number[], limit: number) =>
    atMost(`cold request (page, core metadata or wheel), ${where}: CPU`, median(taken), limit, milliseconds);
  try {
    const fresh: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      log(`cold requests: fresh process ${round} of ${ROUNDS}`);
      fresh.push(await inFreshProcess(upstream.url, traced));
    }
    const { warm, calls } = await warmedUp(upstream.url, traced, sets, log);
    return [
      cpu('warmed up', warm, 2.5),
      cpu(`the first ${COUNT * 3} of a fresh process`, fresh, 6),
      ...(calls === undefined ? [] : callRows(calls)),
    ];
  } finally {
    await upstream.close();
  }
};

function inFreshProcess(upstream: string, set: Packages): Promise<number> {
  return withDirectory(async (directory) => {
    const mirror = await startUnsigned(directory, upstream);
    return cpuOfEach(mirror, set).finally(() => mirror.stop());
  });
}

function warmedUp(upstream: string, traced: Packages, sets: readonly Packages[], log: Log) {
  return withDirectory(async (directory) => {
    const mirror = await startUnsigned(directory, upstream);
    try {
      log('cold requests: warming up');
      for (const set of sets.slice(0, WARM_UP)) await askForAll(mirror, set);
      const warm: number[] = [];
      for (const set of sets.slice(WARM_UP)) warm.push(await cpuOfEach(mirror, set));
      log('cold requests: system calls');
      return { warm, calls: await callsDuring(mirror.pid, () => askForAll(mirror, traced), log) };
    } finally {
      await mirror.stop();
    }
  });
}

function callRows(calls: Calls): readonly Row[] {
  const each = [...calls].map(([kind, count]) => [kind, count / COUNT] as const);
  const shown = (figure: number) => figure.toFixed(1);
  const all = each.reduce((sum, [, count]) => sum + count, 0);
  const kinds = each.map(([kind, count]) => `${kind} ${shown(count)}`).join(', ');
  const what = 'cold package (page, core metadata and wheel)';
  return [
    atMost(`${what}: file system calls`, all, 30, shown, kinds),
    atMost(`${what}: fsyncs`, (calls.get('syncs') ?? 0) / COUNT, 1, shown),
  ];
}
