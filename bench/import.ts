import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFakePypi } from '../test/support/fake-pypi.ts';
import { signingKey } from '../test/support/sender.ts';
import { sparseBundle } from '../test/support/sparse-bundle.ts';
import { withDirectory } from './support/index.ts';
import { serve } from './support/mirror.ts';
import { type Ended, run, VERBATIM } from './support/processes.ts';
import { alternate, atMost, compare, gigabytes, type Measure, mebibytes } from './support/table.ts';
import { waitsBeside } from './support/waits.ts';

const MIB = 1024 * 1024;
const FILE_BYTES = 64 * MIB;
/** IMPORT_GB=20 takes its time, and the room of it. */
const GB = Number(process.env['IMPORT_GB'] ?? 2);
const FILES = Math.ceil((GB * 1e9) / FILE_BYTES);
const ONE_CORE = ['taskset', '-c', '0'];
const MOST_MORE_MIB = 150;
const ROUNDS = 2;
/** Of more than this only the memory is taken, once: it takes minutes. */
const MOST_IN_TURNS_GB = 4;

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
    const memory = async (peak: number) => {
      const idle = (await take(small)).peak;
      const what = `import of ${GB} GB: the most memory, over an import of next to nothing`;
      return atMost(what, peak - idle, MOST_MORE_MIB, mebibytes, `next to nothing ${mebibytes(idle)}`);
    };
    if (GB > MOST_IN_TURNS_GB) {
      const { peak, milliseconds: whole } = await take(large);
      log(`import: ${(whole / 1000).toFixed(0)} s`);
      return [await memory(peak)];
    }
    let peak = 0;
    const ours = async (on: readonly string[]) => {
      const ended = await take(large, on);
      peak = Math.max(peak, ended.peak);
      return rate(ended);
    };
    const figure = await alternate(ROUNDS, {
      one: () => ours(ONE_CORE),
      two: () => ours([]),
      sums: async () => rate(await runOn(ONE_CORE, 'sha256sum', [large])),
    });
    const beside = ['sha256sum, on one core', figure('sums')] as const;
    const what = `import of ${GB} GB, every byte proved and durable`;
    return [
      compare({ what: `${what}, on one core`, ours: figure('one'), beside, show: gigabytes, atLeast: 0.8 }),
      compare({
        what: `${what}, on two`,
        ours: figure('two'),
        beside: ['on one core', figure('one')],
        show: gigabytes,
        atLeast: 1,
      }),
      await memory(peak),
      ...(await waits(directory, key.public, large)),
    ];
  });

/** One import into a new directory, which goes again. */
async function taken(directory: string, key: string, bundle: string, on: readonly string[]): Promise<Ended> {
  const place = mkdtempSync(join(directory, 'inside-'));
  const ended = await runOn(on, process.execPath, importInto(place, key, bundle));
  rmSync(place, { recursive: true });
  return ended;
}

/** What a client of another index of the same server waits, whose page is warm, while the bundle is imported. */
async function waits(directory: string, key: string, bundle: string) {
  const place = mkdtempSync(join(directory, 'served-'));
  const pypi = await startFakePypi();
  pypi.upload('demo', { filename: 'demo-1.0-py3-none-any.whl', bytes: Buffer.alloc(1024) });
  const words = importInto(place, key, bundle, { other: { evidence: 'index', upstream: `${pypi.url}simple/` } });
  const mirror = await serve(place, ['--config', configIn(place)]);
  try {
    return await waitsBeside(`an import of ${GB} GB`, `${mirror.url}other/simple/demo/`, () =>
      run(process.execPath, words),
    );
  } finally {
    await mirror.stop();
    await pypi.close();
  }
}

const configIn = (place: string) => join(place, 'verbatim.yaml');

/** Writes the configuration of a site that imports, and answers with the command's words. */
function importInto(place: string, key: string, bundle: string, others: object = {}): readonly string[] {
  const main = { evidence: 'index', import: { keys: [{ name: 'outside', ed25519: key }] } };
  writeFileSync(configIn(place), JSON.stringify({ data: join(place, 'data'), indexes: { main, ...others } }));
  return [VERBATIM, 'import', bundle, '--config', configIn(place), '--index', 'main', '--json'];
}

function runOn(on: readonly string[], command: string, args: readonly string[]): Promise<Ended> {
  const [first = command, ...rest] = [...on, command, ...args];
  return run(first, rest);
}
