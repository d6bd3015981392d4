import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { smallIndex, withMirror } from './support/index.ts';
import { startNginx } from './support/nginx.ts';
import { childFile, start } from './support/processes.ts';
import { readAll } from './support/read-all.ts';
import { alternate, compare, gigabytes, type Measure, type Row } from './support/table.ts';

const SIZE = 50_000_000;
/** Times the file is read in one round, by all readers together. */
const READS = 32;
const ROUNDS = 7;
const READERS: readonly (readonly [readers: number, atLeast: number])[] = [
  [1, 0.9],
  [8, 1],
];

/** A warm file, every chunk checked as it leaves, against nginx with sendfile and node's own pipeline. */
export const file: Measure = async (log) => {
  const index = smallIndex();
  const wheel = { filename: 'sampleproject-1.0-py3-none-any.whl', bytes: randomBytes(SIZE) };
  index.upload('sampleproject', wheel);
  return withMirror(index, async ({ directory, mirror }) => {
    const nginx = await startNginx(directory, new Map([['file', wheel.bytes]]), log);
    const url = `${mirror.url}${index.filePath(wheel)}`;
    const held = join(directory, 'file');
    writeFileSync(held, wheel.bytes);
    const stream = start(process.execPath, [childFile('file-server.ts'), held]);
    const readers = Array.from({ length: 8 }, () => start(process.execPath, [childFile('reader.ts')]));
    try {
      for (const reader of readers) await reader.line();
      const streamUrl = `http://127.0.0.1:${await stream.line()}/`;
      const rows: Row[] = [];
      for (const [count, atLeast] of READERS) {
        log(`file: ${count === 1 ? 'one reader' : `${count} readers`}`);
        const rate = (of: string) => () => readAll(readers.slice(0, count), of, READS);
        const figure = await alternate(ROUNDS, {
          ours: rate(url),
          stream: rate(streamUrl),
          nginx: nginx && rate(`${nginx.url}file`),
        });
        rows.push(
          compare({
            what: `warm 50 MB file, every chunk checked, ${count === 1 ? 'one reader' : `${count} readers`}`,
            ours: figure('ours'),
            beside: ['nginx', nginx && figure('nginx')],
            also: [['pipeline(createReadStream)', figure('stream')]],
            show: gigabytes,
            atLeast,
          }),
        );
      }
      return rows;
    } finally {
      await Promise.all(readers.map((reader) => reader.stop()));
      await stream.stop();
      await nginx?.stop();
    }
  });
};
