import type { Caller } from '../async/caller.ts';
import { Places } from '../async/places.ts';
import type { Expected } from '../bytes/expected.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { ListedTarget, PackageIndex, SignedRepository } from '../mirror/package-index.ts';
import type { Filters } from './filters.ts';
import type { Wanted } from './plan.ts';
import type { SyncReport } from './report.ts';
import type { Attempt } from './retry.ts';

export interface TargetsRun {
  readonly index: Pick<PackageIndex, 'signed' | 'settle'>;
  readonly wanted: Pick<Wanted, 'listed' | 'held'>;
  readonly filters: Pick<Filters, 'file'>;
  readonly caller: Caller;
  readonly attempt: Attempt;
  /** Targets fetched at once. */
  readonly parallel: number;
  /** Added to. */
  readonly report: SyncReport;
  /** False: nothing is fetched, and what is not held is counted. */
  readonly fetches: boolean;
  /** What is not held is missing; of use where nothing is fetched. */
  readonly mustBeHeld?: boolean | undefined;
  /** Told of what each target that is held by now must be. */
  readonly onTargetHeld?: ((expected: Expected) => Promise<void>) | undefined;
}

/**
 * Holds what roles list, of an index of which no target is a page: all of it, or of each role of which something is held what else it lists. Where pages
 * say what there is, nothing is taken here.
 */
export async function runTargets(run: TargetsRun): Promise<void> {
  const { signed } = run.index;
  const { listed, held } = run.wanted;
  if (signed === undefined || signed.hasPages || !(listed || held)) return;
  const places = new Places(run.parallel);
  const onUnread = (name: string, why: Refusal | undefined) => {
    // Of what is held alone, a role that is not held is not asked for.
    if (why !== undefined) failed(run, name, why);
  };
  try {
    for await (const { targets } of signed.listed(run.caller, { held: !listed, onUnread })) {
      const wanted = listed || (await isAnyHeld(signed, targets)) ? targets : [];
      await Promise.all(wanted.map((target) => places.within(() => one(run, signed, target))));
    }
  } catch (error) {
    // What was fetched until then is held.
    if (run.caller.signal.aborted) return;
    throw error;
  }
}

async function isAnyHeld(signed: SignedRepository, targets: readonly ListedTarget[]): Promise<boolean> {
  for (const { expected } of targets) if (await signed.isTargetHeld(expected)) return true;
  return false;
}

async function one(run: TargetsRun, signed: SignedRepository, { path, expected }: ListedTarget): Promise<void> {
  const { filters, report, fetches, mustBeHeld, onTargetHeld } = run;
  const { progress, leftOut } = report;
  const { length: size = 0 } = expected;
  const why = filters.file({ entry: { filename: path, size } });
  if (why !== undefined) {
    leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
    return;
  }
  progress.files++;
  progress.bytes += size;
  try {
    if (await signed.isTargetHeld(expected)) {
      progress.held++;
      progress.heldBytes += size;
    } else if (fetches) await fetchOne(run, signed, path);
    else if (mustBeHeld === true) report.missing.add({ what: path, why: 'it is not held' });
    if (fetches) await onTargetHeld?.(expected);
  } catch (error) {
    failed(run, path, error);
  }
}

/** What the disk did not take is fetched anew. */
async function fetchOne(
  { index, attempt, caller, report }: TargetsRun,
  signed: SignedRepository,
  path: string,
): Promise<void> {
  const blob = await attempt(async () => {
    const opened = await signed.openTarget(path, caller);
    await index.settle(opened.sha256);
    return opened;
  });
  report.progress.fetched++;
  report.progress.fetchedBytes += blob.size;
  report.fetched.add({ what: path, why: 'new' });
}

/** What is only not here is missing, and anything else was refused. */
function failed({ report }: TargetsRun, what: string, error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
  report.progress.failed++;
  const told = { what, why: `${error.reason}: ${error.message}` };
  if (error.reason === 'offline' || error.reason === 'unlisted') report.missing.add(told);
  else report.refused.add(told);
}
