import { randomBytes } from 'node:crypto';
import { smallIndex, withMirror } from './support/index.ts';
import { childFile, start } from './support/processes.ts';
import { alternate, compare, type Measure, milliseconds } from './support/table.ts';

const SIZE = 50_000_000;
const BYTES_PER_SECOND = 50_000_000;
const ROUNDS = 5;

/** A file nobody asked for yet, from an upstream that sends 50 MB/s: the whole time against going there directly. */
export const cold: Measure = async (log) => {
  const index = smallIndex();
  // One for each round: it is cold only once.
  const wheels = Array.from({ length: ROUNDS + 1 }, (_, i) => ({
    filename: `sampleproject-${i}.0-py3-none-any.whl`,
    bytes: Buffer.concat([randomBytes(1024), Buffer.alloc(SIZE - 1024)]),
  }));
  index.upload('sampleproject', ...wheels);
  return withMirror(index, async ({ upstream, mirror }) => {
    const reader = start(process.execPath, [childFile('reader.ts')]);
    await reader.line();
    const read = async (url: string) => {
      const begun = performance.now();
      reader.tell(`${url} 1`);
      await reader.line();
      return performance.now() - begun;
    };
    // As pip does: the page, then the file.
    await (await fetch(`${mirror.url}simple/sampleproject/`)).arrayBuffer();
    upstream.fault('*', { kind: 'throttle', bytesPerSecond: BYTES_PER_SECOND });
    log('cold: a 50 MB file at 50 MB/s');
    let round = 0;
    try {
      const figure = await alternate(ROUNDS, {
        direct: () => read(upstream.url + stored(index.repository.files, wheels[round]?.filename ?? '')),
        ours: () => read(mirror.url + index.filePath(wheels[round++] ?? { filename: '', bytes: new Uint8Array() })),
      });
      return [
        compare({
          what: 'cold 50 MB file from an upstream of 50 MB/s, whole time',
          ours: figure('ours'),
          beside: ['direct', figure('direct')],
          show: milliseconds,
          atMost: 1.25,
        }),
      ];
    } finally {
      await reader.stop();
    }
  });
};

/** The name upstream stores a file under. */
function stored(files: ReadonlyMap<string, Uint8Array>, filename: string): string {
  const name = [...files.keys()].find((path) => path.endsWith(`.${filename}`));
  if (name === undefined) throw new Error(`${filename} is not upstream`);
  return name;
}
