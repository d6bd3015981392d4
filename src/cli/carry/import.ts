import { type ImportedHere, openImporter } from '../../app/carry/import.ts';
import { watchFolder } from '../../app/carry/watch.ts';
import { noEvents } from '../../app/no-events.ts';
import type { FeedTold } from '../../bundle/import/carried-feed.ts';
import { dateText, instantText } from '../../bytes/instant.ts';
import { shownField } from '../../bytes/printable.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { print, printJson, say } from '../output.ts';
import { sayUntold } from '../untold.ts';
import { importProgress } from './bundle-progress.ts';
import { ProgressShown } from './progress.ts';

interface ImportFilesOptions {
  readonly files: readonly string[];
  readonly index: string | undefined;
  readonly dryRun: boolean;
  readonly asOf: number | undefined;
  readonly watch: string | undefined;
  readonly scan: readonly string[] | undefined;
  readonly json: boolean;
}

/** `verbatim import FILE…`, or `--watch DIR` until it is stopped. False where something of it has to be brought again. Throws Refusal where one cannot be imported. */
export async function importFiles(config: Config, options: ImportFilesOptions): Promise<boolean> {
  const { files, watch, dryRun, json } = options;
  if ((files.length === 0) === (watch === undefined))
    throw new Refusal('format', 'Say which files, or which directory to watch.', { subject: 'request' });
  const shown = new ProgressShown(json);
  const importer = await openImporter({ config, emit: noEvents, ...options, onProgress: importProgress(shown) });
  /** What is said takes the place of the line that was shown. */
  const telling = (work: () => void) => {
    shown.pause();
    work();
  };
  try {
    if (watch === undefined) {
      const imported = await importer.take(files);
      telling(() => tell(imported, options));
      return imported.imported.advisories?.again !== true;
    }
    await watchFolder(watch, importer, {
      signal: stopped(),
      onImported: (imported) => telling(() => tell(imported, { dryRun, json })),
      onWaiting: (why) => telling(() => say(why)),
      onRefused: (why) => telling(() => say(why)),
    });
    return true;
  } finally {
    shown.end();
    await importer.close();
  }
}

/** Until whoever started it wants it to end. */
function stopped(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  return stopping.signal;
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
  const {
    number,
    key,
    unbelieved,
    stateAt,
    isHere,
    skipped,
    contents,
    bytes,
    pages,
    files,
    targets,
    removed,
    heldBack,
  } = imported;
  const who = key === undefined ? 'nobody whose signature is believed' : key;
  print(
    `${dryRun ? 'would import' : isHere ? 'imported before' : 'imported'}: bundle ${number} of ${index}, signed by ${who}, state of ${dateText(stateAt)}`,
  );
  if (unbelieved !== undefined) print(`its signature counts for nothing: ${unbelieved}`);
  print(
    `${contents} contents were not here (${bytes} bytes), ${imported.there} were; ${pages} pages and ${files} files${targets === 0 ? '' : ` and ${targets} other targets`} ${dryRun ? 'to be proved' : 'proved'}; ${removed} removed`,
  );
  if (skipped.length > 0) print(`never came, and is not needed: number ${skipped.join(', ')}`);
  for (const { project, file, reason } of heldBack)
    print(`held back by this site: ${shownField(file)} of ${shownField(project)} (${reason})`);
  if (imported.advisories !== undefined) print(advisoriesText(imported.advisories));
  if (imported.reference !== undefined) print(`judged as of ${instantText(imported.reference)}`);
  if (imported.scan !== undefined)
    print(`scanned: ${imported.scan.files} new files, by ${shownField(imported.scan.version)}`);
  sayUntold(untold);
}

function advisoriesText({ became, newest, from, reason, why, again }: FeedTold): string {
  const as = newest === undefined ? '' : ` as they were at ${instantText(newest)}`;
  const which = `advisories${as}${from === undefined ? '' : ` (${shownField(from)})`}`;
  switch (became) {
    case 'taken':
      return `${which}: taken, and in force`;
    case 'here':
      return `${which}: those in force already`;
    case 'untried':
      return `${which}: to be taken where they are newer than those here`;
    case 'left':
      return `${which}: not taken [${reason}]: ${shownField(why ?? '')}${again ? ', and import the bundle again' : ''}; what is in force here stays`;
  }
}
