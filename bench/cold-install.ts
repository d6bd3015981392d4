import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipOfToday, uv } from '../test/support/environments.ts';
import { withDirectory } from './support/index.ts';
import { type Packages, packages } from './support/packages.ts';
import { run } from './support/processes.ts';
import { alternate, compare, type Measure, milliseconds } from './support/table.ts';
import { serveIndex, startUnsigned } from './support/unsigned.ts';

const COUNT = 90;
const LATE_MS = 20;
const ROUNDS = 5;
const WARM_UP = 4;
const MEMORY_DISK = '/dev/shm';

/** `uv pip install` of ninety packages that nobody asked for yet, from an upstream far away, over going there directly. */
export const coldInstall: Measure = async (log) => {
  const [uvBin, pipBin] = [await uv(), await pipOfToday()];
  if (uvBin === undefined || pipBin === undefined) {
    log('*** uv, or the package registry, is not there: a cold installation is NOT measured');
    return [];
  }
  // One for each round, which is cold only once; before them what warms a process up.
  const sets = Array.from({ length: WARM_UP + ROUNDS + 1 }, (_, i) => packages(`set${i}`, COUNT));
  const upstream = await serveIndex(new Map(sets.flatMap(({ files }) => [...files])), LATE_MS);
  const install = installer(join(uvBin, 'uv'), join(pipBin, 'python'));
  try {
    return await withDirectory(async (directory) => {
      const warm = await startUnsigned(directory, upstream.url);
      try {
        log('cold installation: warming up');
        for (const set of sets.slice(0, WARM_UP)) await install.from(`${warm.url}simple/`, set);
        log(`cold installation: ${COUNT} packages by uv, upstream ${LATE_MS} ms away`);
        const rounds = sets.slice(WARM_UP);
        const inTurn = (take: (set: Packages) => Promise<number>) => {
          const left = [...rounds];
          return () => take(left.shift() ?? packages('none', 0));
        };
        const figure = await alternate(ROUNDS, {
          direct: inTurn((set) => install.from(`${upstream.url}simple/`, set)),
          warm: inTurn((set) => install.from(`${warm.url}simple/`, set)),
          fresh: inTurn((set) =>
            withDirectory(async (empty) => {
              const fresh = await startUnsigned(empty, upstream.url);
              return install.from(`${fresh.url}simple/`, set).finally(() => fresh.stop());
            }),
          ),
        });
        const row = (where: string, ours: number, atMost: number) =>
          compare({
            what: `uv pip install of ${COUNT} packages, cold, upstream ${LATE_MS} ms away, ${where}`,
            ours,
            beside: ['direct', figure('direct')],
            show: milliseconds,
            atMost,
          });
        return [row('warmed-up process', figure('warm'), 1.1), row('fresh process', figure('fresh'), 1.6)];
      } finally {
        await warm.stop();
      }
    });
  } finally {
    install.end();
    await upstream.close();
  }
};

/** uv, whose files and cache lie in memory where there is a disk in memory, and are empty each time. */
function installer(uvBin: string, python: string) {
  const place = mkdtempSync(join(existsSync(MEMORY_DISK) ? MEMORY_DISK : tmpdir(), 'verbatim-install-'));
  return {
    async from(simple: string, { top }: Packages): Promise<number> {
      const [target, cache] = [join(place, 'target'), join(place, 'cache')];
      for (const used of [target, cache]) rmSync(used, { recursive: true, force: true });
      const { milliseconds: taken } = await run('env', [
        ...['-u', 'UV_INDEX_URL', '-u', 'UV_DEFAULT_INDEX', 'UV_NO_CONFIG=1', 'UV_LINK_MODE=copy'],
        ...[uvBin, 'pip', 'install', '-q', '--cache-dir', cache, '--python', python, '--index-url', simple],
        ...['--target', target, '--only-binary', ':all:', top],
      ]);
      return taken;
    },
    end: () => rmSync(place, { recursive: true, force: true }),
  };
}
