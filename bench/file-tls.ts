import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { cpuOf } from './support/cpu.ts';
import { smallIndex, withMirror } from './support/index.ts';
import { startNginx } from './support/nginx.ts';
import { childFile, childrenOf, start } from './support/processes.ts';
import { readAll } from './support/read-all.ts';
import { alternate, compare, gigabytes, type Measure, median, milliseconds, type Row } from './support/table.ts';

const SIZE = 50_000_000;
/** Times the file is read in one round, by all readers together. */
const READS = 16;
const ROUNDS = 5;
const READERS = [1, 8];

/** A warm file over TLS, every chunk checked as it leaves, against nginx with the same certificate and cipher: speed, and the server's CPU. */
export const fileTls: Measure = async (log) => {
  const index = smallIndex();
  const wheel = { filename: 'sampleproject-1.0-py3-none-any.whl', bytes: randomBytes(SIZE) };
  index.upload('sampleproject', wheel);
  return withMirror(
    index,
    async ({ directory, mirror }) => {
      const nginx = await startNginx(join(directory, 'tls'), new Map([['file', wheel.bytes]]), log, { tls: true });
      const url = `${mirror.url}${index.filePath(wheel)}`;
      const readers = Array.from({ length: 8 }, () => start(process.execPath, [childFile('reader.ts')]));
      try {
        for (const reader of readers) await reader.line();
        const rows: Row[] = [];
        for (const count of READERS) {
          const who = count === 1 ? 'one reader' : `${count} readers`;
          log(`file over TLS: ${who}`);
          const cpu = { ours: [] as number[], nginx: [] as number[] };
          const measured = (of: string, server: () => number, taken: number[]) => async () => {
            const before = server();
            const rate = await readAll(readers.slice(0, count), of, READS);
            taken.push((server() - before) / ((READS * SIZE) / 1e9));
            return rate;
          };
          const figure = await alternate(ROUNDS, {
            ours: measured(url, () => cpuOf(mirror.pid), cpu.ours),
            nginx: nginx && measured(`${nginx.url}file`, () => cpuOfAll(childrenOf(nginx.pid)), cpu.nginx),
          });
          const what = `warm 50 MB file over TLS, every chunk checked, ${who}`;
          rows.push(
            compare({
              what,
              ours: figure('ours'),
              beside: ['nginx', nginx && figure('nginx')],
              show: gigabytes,
              atLeast: 0.8,
            }),
            // The first of each is the turn that does not count.
            compare({
              what: `${what}: CPU of a gigabyte`,
              ours: median(cpu.ours.slice(1)),
              beside: ['nginx', nginx && median(cpu.nginx.slice(1))],
              show: milliseconds,
              atMost: 1.5,
            }),
          );
        }
        return rows;
      } finally {
        await Promise.all(readers.map((reader) => reader.stop()));
        await nginx?.stop();
      }
    },
    { tls: true },
  );
};

function cpuOfAll(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
}
