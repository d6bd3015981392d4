import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Composition, compose } from '../../app/compose.ts';
import { serversOn } from '../../app/control/connect.ts';
import { tellServers, tellToRetain } from '../../app/control/on-servers.ts';
import { indexOf } from '../../app/data-directory.ts';
import { noEvents } from '../../app/no-events.ts';
import { defaultIndexOf } from '../../app/server-files.ts';
import { syncIn } from '../../app/syncing/sync-in.ts';
import { wantedOf } from '../../app/syncing/wanted.ts';
import { shownField } from '../../bytes/printable.ts';
import type { Config } from '../../config/config.ts';
import type { SyncWords } from '../../config/sync.ts';
import { hrefOf } from '../../pypi/listing.ts';
import { lockText } from '../../sync/lock-text.ts';
import { isWhole } from '../../sync/report.ts';
import type { Synced } from '../../sync/sync.ts';
import { print, printJsonLine, say } from '../output.ts';
import { sayUntold } from '../untold.ts';
import type { Installer } from './installers.ts';
import { ProgressShown } from './progress.ts';
import { resolveOffline } from './resolver-run.ts';
import { syncShown } from './sync-progress.ts';
import { type Beside, countedLine, reportJson, reportLines } from './sync-report.ts';

export interface SyncFlags {
  readonly words: SyncWords;
  readonly dryRun: boolean;
  /** Nothing is fetched, and nobody asked: what is not held is missing. */
  readonly check: boolean;
  /** Who chooses from what is held besides, for each environment, in a check. */
  readonly resolver: Installer | undefined;
  /** Where the lock of what was chosen is written. */
  readonly locksTo: string;
  readonly json: boolean;
}

/** `verbatim sync`: true where nothing that was asked for is missing. */
export async function syncNow(
  config: Config,
  { words, dryRun, check, resolver, locksTo, json }: SyncFlags,
): Promise<boolean> {
  indexOf(config, words.index);
  const leaving = new AbortController();
  const leave = () => leaving.abort(new Error('the command was interrupted'));
  process.once('SIGINT', leave).once('SIGTERM', leave);
  const composition = await compose({ config, emit: noEvents, reading: check });
  const shown = new ProgressShown(json);
  try {
    if (!dryRun && !check) await lookAtAdvisories(config, composition);
    const since = composition.operator.now();
    const synced = await syncIn({
      config: check ? { ...config, offline: true } : config,
      composition,
      words,
      signal: leaving.signal,
      fetches: !dryRun && !check,
      mustBeHeld: check,
      onRound: (report, counted) => {
        if (json) printJsonLine({ event: 'counted', ...counted.progress });
        else say(countedLine(counted));
        shown.begin(syncShown(report.progress, counted.progress));
      },
    });
    shown.end();
    if (resolver !== undefined)
      for (const told of await askInstaller(config, words, resolver)) synced.report.missing.add(told);
    const gone = dryRun || check ? [] : await goneSince(composition, words.index, since);
    const locks = dryRun || check ? [] : await writeLocks(synced, config, words.index, locksTo);
    tell(synced, { isDryRun: dryRun, isCheck: check, gone, locks }, json);
    if (leaving.signal.aborted)
      say('It was interrupted. What was fetched is held; the same command goes on from there.');
    if (!dryRun && !check) await tellOthers(config, words.index, synced);
    if (!dryRun && !check) sayUntold(await tellToRetain(config));
    return isWhole(synced.report) && !leaving.signal.aborted;
  } finally {
    shown.end();
    process.off('SIGINT', leave).off('SIGTERM', leave);
    await composition.close();
  }
}

/** Where no server runs, nobody else looks at what is known to be bad: it decides what is fetched, and a bundle carries what is kept. */
async function lookAtAdvisories({ data, advisories }: Config, { advisories: feed }: Composition): Promise<void> {
  if (feed === undefined || advisories === undefined || 'carried' in advisories.from) return;
  if ((await serversOn(data)).length > 0) return;
  await feed.look(true);
  const { place, trouble } = feed.standing;
  if (trouble !== undefined)
    say(
      `The advisories (${shownField(place)}) could not be read: ${shownField(trouble)} What is kept of them stays in force.`,
    );
}

async function askInstaller(config: Config, words: SyncWords, installer: Installer) {
  const wanted = await wantedOf(words, config.sync?.environments ?? new Map());
  return resolveOffline(config, wanted, { installer, index: words.index });
}

function tell(synced: Synced, beside: Beside, json: boolean): void {
  if (json) printJsonLine(reportJson(synced, beside));
  else print(...reportLines(synced, beside));
}

/** What the index took away while this lasted. */
async function goneSince({ operator }: Composition, index: string, since: number): Promise<readonly string[]> {
  await operator.journal.flush();
  const gone: string[] = [];
  for await (const entry of operator.journal.read({ index, since }))
    if (entry.kind === 'removed') gone.push(`${entry.project} ${entry.file ?? ''}`.trimEnd());
  return gone;
}

/** One for each choice that something without a hash was asked for. PEP 751 wants one part between the dots. */
async function writeLocks(
  { plan }: Synced,
  config: Config,
  index: string,
  directory: string,
): Promise<readonly string[]> {
  if (plan.unpinned.length === 0) return [];
  const { publicUrl } = config.server;
  const below = index === defaultIndexOf(config) ? '' : `${index}/`;
  const base = publicUrl === undefined ? undefined : publicUrl + below;
  const written: string[] = [];
  await mkdir(directory, { recursive: true });
  for (const choice of plan.choices) {
    const name = (choice.environment?.name ?? 'any').replace(/[^A-Za-z0-9_-]+/g, '-');
    const path = join(directory, `pylock.verbatim-${name}.toml`);
    await writeFile(
      path,
      lockText(choice, (file) => (base === undefined ? file.upstream : hrefOf(file, base))),
    );
    written.push(path);
  }
  return written;
}

/** Servers on this data directory serve the pages that have changed from now on. */
async function tellOthers({ data }: Config, index: string, { changed }: Synced): Promise<void> {
  if (changed.size > 0) sayUntold(await tellServers(await serversOn(data), { index, projects: [...changed] }));
}
