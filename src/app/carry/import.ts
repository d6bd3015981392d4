import type { Imported, ImportPlace } from '../../bundle/import/place.ts';
import { importBundle } from '../../bundle/import/run.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import type { Emit } from '../../ports/events.ts';
import { type Composition, compose } from '../compose.ts';
import { tellOfImport } from '../control/on-servers.ts';
import { whileHeldStays } from '../pruning/under-way.ts';
import { openGiven } from './given-files.ts';
import { importPlace } from './import-place.ts';

export interface ImportOptions {
  readonly config: Config;
  readonly emit: Emit;
  /** Which index; the only one that arrives by import unless stated. */
  readonly index: string | undefined;
  readonly dryRun: boolean;
  readonly asOf: number | undefined;
  /** In place of the configured scanner. */
  readonly scan: readonly string[] | undefined;
  readonly onProgress?: ImportPlace['onProgress'];
}

/** What came of it, and words of servers on the directory that could not be told. */
export interface ImportedHere {
  readonly index: string;
  readonly imported: Imported;
  readonly untold: readonly string[];
}

/** Imports bundles into one index of a data directory, beside the servers that run on it. */
export interface Importer {
  readonly index: string;
  /** Throws Refusal: then nothing of it is believed. */
  take(paths: readonly string[]): Promise<ImportedHere>;
  close(): Promise<void>;
}

/** Throws Refusal where no such index arrives by import. */
export async function openImporter(options: ImportOptions): Promise<Importer> {
  const { emit, dryRun, asOf, onProgress } = options;
  const { config, index } = importConfig(options);
  const composition: Composition = await compose({ config, emit });
  return {
    index,
    async take(paths) {
      const { files, close } = await openGiven(paths);
      try {
        const place = await importPlace(composition, index, onProgress);
        const run = () => importBundle(place, { files, dryRun, asOf });
        if (dryRun) return { index, imported: await run(), untold: [] };
        return await whileHeldStays(composition.volume, 'import', async () => {
          const imported = await run();
          const projects = imported.publishers?.taken ?? [];
          return { index, imported, untold: await tellOfImport(config, { index }, { index, projects }) };
        });
      } finally {
        await close();
      }
    },
    close: () => composition.close(),
  };
}

/** The configured reference time is for whoever serves: an import is judged by what is stored, the bundle and `asOf`. */
function importConfig({ config, index: named, scan }: ImportOptions): {
  readonly config: Config;
  readonly index: string;
} {
  const index = named ?? onlyImport(config);
  const known = config.indexes[index];
  if (known?.import === undefined || scan === undefined)
    return { config: { ...config, referenceTime: undefined }, index };
  const { timeout = DEFAULT_TIMEOUT, version = undefined } = known.import.scan ?? {};
  const scanned = { ...known, import: { ...known.import, scan: { command: scan, timeout, version } } };
  return { config: { ...config, referenceTime: undefined, indexes: { ...config.indexes, [index]: scanned } }, index };
}

/** Seconds a file. */
const DEFAULT_TIMEOUT = 300;

function onlyImport({ indexes }: Config): string {
  const names = Object.values(indexes).flatMap((index) => (index.import === undefined ? [] : [index.name]));
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  throw new Refusal(
    'unlisted',
    only === undefined
      ? 'No index arrives by import: give one "import:" in the configuration, in place of "upstream".'
      : `Several indexes arrive by import: say which with --index (${names.join(', ')}).`,
    { subject: 'request' },
  );
}
