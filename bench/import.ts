import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signingKey } from '../test/support/sender.ts';
import { sparseBundle } from '../test/support/sparse-bundle.ts';
import { withDirectory } from './support/index.ts';
import { type Ended, run, VERBATIM } from './support/processes.ts';
import { alternate, atMost, compare, gigabytes, type Measure, mebibytes } from './support/table.ts';

const MIB = 1024 * 1024;
const FILE_BYTES = 64 * MIB;
/** IMPORT_GB=20 takes its time, and the room of it. */
const GB = Number(process.env['IMPORT_GB'] ?? 2);
const FILES = Math.ceil((GB * 1e9) / FILE_BYTES);
const ONE_CORE = ['taskset', '-c', '0'];
const MOST_MORE_MIB = 150;

/** A large bundle into an empty directory, every byte proved, written and synced; beside `sha256sum`, which reads and hashes it. */
export const importing: Measure = (log) =>
  withDirectory(async (directory) => {
    const key = await signingKey();
    const [large, small] = ['large.tar', 'small.tar'].map((name) => join(directory, name)) as [string, string];
    await sparseBundle(large, key, FILES, FILE_BYTES);
    await sparseBundle(small, key, 1, 1024);
    const bytes = statSync(large).size;
    log(`import: ${GB} GB`);
    const rate = ({ milliseconds }: Ended) => bytes / 1e6 / milliseconds;
    const take = (bundle: string, on: readonly string[] = []) => taken(directory, key.public, bundle, on);
    let peak = 0;
    const ours = async (on: readonly string[]) => {
      const ended = await take(large, on);
      peak = Math.max(peak, ended.peak);
      return rate(ended);
    };
    const figure = await alternate(1, {
      one: () => ours(ONE_CORE),
      two: () => ours([]),
      sums: async () => rate(await runOn(ONE_CORE, 'sha256sum', [large])),
    });
    const beside = ['sha256sum, on one core', figure('sums')] as const;
    const what = `import of ${GB} GB, every byte proved and durable`;
    const idle = (await take(small)).peak;
    return [
      compare({ what: `${what}, on one core`, ours: figure('one'), beside, show: gigabytes, atLeast: 0.8 }),
      compare({ what: `${what}, on two`, ours: figure('two'), beside, show: gigabytes, atLeast: 0.8 }),
      atMost(
        `the same: the most memory, over an import of next to nothing`,
        peak - idle,
        MOST_MORE_MIB,
        mebibytes,
        `next to nothing ${mebibytes(idle)}`,
      ),
    ];
  });

/** One import into a new directory, which goes again. */
async function taken(directory: string, key: string, bundle: string, on: readonly string[]): Promise<Ended> {
  const place = mkdtempSync(join(directory, 'inside-'));
  const config = join(place, 'inside.yaml');
  writeFileSync(
    config,
    `data: ${join(place, 'data')}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519: ${key} }]\n`,
  );
  const ended = await runOn(on, process.execPath, [VERBATIM, 'import', bundle, '--config', config, '--json']);
  rmSync(place, { recursive: true });
  return ended;
}

function runOn(on: readonly string[], command: string, args: readonly string[]): Promise<Ended> {
  const [first = command, ...rest] = [...on, command, ...args];
  return run(first, rest);
}
