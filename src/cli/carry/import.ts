import { type ImportedHere, openImporter } from '../../app/carry/import.ts';
import { watchFolder } from '../../app/carry/watch.ts';
import { noEvents } from '../../app/no-events.ts';
import { dateText, instantText } from '../../bytes/instant.ts';
import { shownField } from '../../bytes/printable.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { print, printJson, say, sayOnTerminal } from '../output.ts';
import { sayUntold } from '../untold.ts';

interface ImportFilesOptions {
  readonly files: readonly string[];
  readonly index: string | undefined;
  readonly dryRun: boolean;
  readonly asOf: number | undefined;
  readonly watch: string | undefined;
  readonly scan: readonly string[] | undefined;
  readonly json: boolean;
}

/** `verbatim import FILE…`, or `--watch DIR` until it is stopped. False where something was not imported. */
export async function importFiles(config: Config, options: ImportFilesOptions): Promise<boolean> {
  const { files, watch, dryRun, json } = options;
  if ((files.length === 0) === (watch === undefined))
    throw new Refusal('format', 'Say which files, or which directory to watch.', { subject: 'request' });
  const importer = await openImporter({ config, emit: noEvents, ...options, onProgress: progress() });
  try {
    if (watch === undefined) {
      tell(await importer.take(files), options);
      return true;
    }
    await watchFolder(watch, importer, {
      signal: stopped(),
      onImported: (imported) => tell(imported, { dryRun, json }),
      onWaiting: (why) => say(why),
      onRefused: (why) => say(why),
    });
    return true;
  } finally {
    await importer.close();
  }
}

/** Until whoever started it wants it to end. */
function stopped(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  return stopping.signal;
}

const EVERY_MS = 1000;
const MIB = 1024 * 1024;

/** A line a second where somebody watches. */
function progress(): (done: { readonly contents: number; readonly bytes: number }) => void {
  let last = 0;
  return ({ contents, bytes }) => {
    const now = performance.now();
    if (now - last < EVERY_MS) return;
    last = now;
    sayOnTerminal(`${contents} contents, ${Math.round(bytes / MIB)} MiB checked`);
  };
}

function tell(
  { index, imported, untold }: ImportedHere,
  { dryRun, json }: Pick<ImportFilesOptions, 'dryRun' | 'json'>,
): void {
  if (json) {
    printJson({ index, dryRun, ...imported });
    sayUntold(untold);
    return;
  }
  const { number, key, unbelieved, stateAt, isHere, skipped, contents, bytes, pages, files, removed, heldBack } =
    imported;
  const who = key === undefined ? 'nobody whose signature is believed' : key;
  print(
    `${dryRun ? 'would import' : isHere ? 'imported before' : 'imported'}: bundle ${number} of ${index}, signed by ${who}, state of ${dateText(stateAt)}`,
  );
  if (unbelieved !== undefined) print(`its signature counts for nothing: ${unbelieved}`);
  print(
    `${contents} contents were not here (${bytes} bytes), ${imported.there} were; ${pages} pages and ${files} files ${dryRun ? 'to be proved' : 'proved'}; ${removed} removed`,
  );
  if (skipped.length > 0) print(`never came, and is not needed: number ${skipped.join(', ')}`);
  for (const { project, file, reason } of heldBack)
    print(`held back by this site: ${shownField(file)} of ${shownField(project)} (${reason})`);
  if (imported.reference !== undefined) print(`judged as of ${instantText(imported.reference)}`);
  if (imported.scan !== undefined)
    print(`scanned: ${imported.scan.files} new files, by ${shownField(imported.scan.version)}`);
  sayUntold(untold);
}
