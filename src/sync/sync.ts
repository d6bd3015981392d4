import type { Caller } from '../async/caller.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import type { Filters } from './filters.ts';
import type { PickedFile } from './picked.ts';
import { type Plan, planOf, type Wanted } from './plan.ts';
import { newReport, type SyncReport } from './report.ts';
import { attempting } from './retry.ts';
import { runPlan } from './run.ts';
import { runTargets, type TargetsRun } from './targets.ts';

export interface SyncOptions {
  readonly index: PackageIndex;
  readonly wanted: Wanted;
  readonly filters: Filters;
  readonly held: () => AsyncIterable<string>;
  readonly caller: Caller;
  /** Projects looked at, and files fetched, at once. */
  readonly parallel: number;
  readonly pause: (ms: number) => Promise<void>;
  /** Upstream is asked for nothing. */
  readonly isOffline: boolean;
  /** False to count what is not held. */
  readonly fetches: boolean;
  /** Then what is not held is missing. */
  readonly mustBeHeld?: boolean | undefined;
  /** Told what a round will look at, before anything is fetched; throws where that is not to be. */
  readonly onCounted?: ((counted: SyncReport, plan: Plan) => Promise<void>) | undefined;
  /** Told of each file that is held by now, of any round. */
  readonly onHeld?: ((picked: PickedFile) => Promise<void>) | undefined;
  /** The same of targets that are no file of a page. */
  readonly onTargetHeld?: TargetsRun['onTargetHeld'];
  /** Told where a round begins to fetch, with what is added to while it lasts. */
  readonly onRound?: ((report: SyncReport, counted: SyncReport) => void) | undefined;
}

export interface Synced {
  readonly report: SyncReport;
  readonly plan: Plan;
  /** Projects whose pages were new, or had changed; the first of very many. */
  readonly changed: ReadonlySet<string>;
  /** Projects whose pages upstream was not asked for: its list says that they are what they were. */
  readonly spared: number;
  /** How often it began again because a signed index moved on. */
  readonly again: number;
}

/** Rounds after which an index that is published faster than it can be synced is told as such. */
const MOST_ROUNDS = 5;

/**
 * Holds what is wanted. Of a signed index everything ends inside one snapshot: where it moves on meanwhile, the sync begins again at
 * the timestamp, and what is held by then is not fetched again. Throws Refusal where upstream cannot be had, or never stands still.
 */
export async function sync(options: SyncOptions): Promise<Synced> {
  const { index, caller, isOffline } = options;
  let report: SyncReport | undefined;
  for (let round = 1; ; round++) {
    if (!isOffline) await index.signed?.refresh({ caller });
    const before = await snapshotOf(index);
    report = newReport(report);
    const done = await once(options, report);
    if (caller.signal.aborted || before === (await snapshotOf(index))) return { ...done, again: round - 1 };
    if (round === MOST_ROUNDS)
      throw new Refusal(
        'mix-and-match',
        `The index ${index.name} published a new snapshot in each of ${MOST_ROUNDS} rounds: what is held is of several.`,
        { subject: 'snapshot', transient: true },
      );
  }
}

async function once(options: SyncOptions, report: SyncReport): Promise<Omit<Synced, 'again'>> {
  const attempt = attempting(options.pause, () => report.progress.retries++);
  const [changed, spared] = [new Set<string>(), new Set<string>()];
  const plan = await planOf({ ...options, attempt, changed, spared });
  const counted = newReport();
  await runPlan({ ...options, plan, attempt, report: counted, fetches: false });
  await runTargets({ ...options, attempt, report: counted, fetches: false });
  await options.onCounted?.(counted, plan);
  if (!options.fetches) return { report: counted, plan, changed, spared: spared.size };
  options.onRound?.(report, counted);
  await runPlan({ ...options, plan, attempt, report, fetches: true });
  await runTargets({ ...options, attempt, report, fetches: true });
  return { report, plan, changed, spared: spared.size };
}

async function snapshotOf(index: PackageIndex): Promise<number | undefined> {
  if (index.signed === undefined) return undefined;
  return (await index.status()).roles.find(({ role }) => role === 'snapshot')?.version;
}
