import type { Counted, GoesAs, PrunePlan, StaysAs } from '../../app/pruning/plan.ts';
import { type PrunedHere, pruneIn } from '../../app/pruning/prune.ts';
import { counted } from '../../bytes/counted.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { print, printJson } from '../output.ts';

interface PruneFlags {
  readonly reason: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

const GOES: Readonly<Record<GoesAs, string>> = {
  superseded: 'only imports before the last ones have it (import.generations)',
  unlisted: 'a file that upstream lists no more',
  unnamed: 'nothing here names it',
};

const STAYS: Readonly<Record<StaysAs, string>> = {
  import: 'the last imports need it',
  sync: 'a sync holds it (sync.hold_days)',
  export: 'an export needs it, or its being made again (exports/)',
  page: 'a page lists it',
  role: 'a signed role lists it',
  pin: 'a pin names it',
  kept: 'kept for a reason of its own',
  unjudged: 'its index may need it',
};

/** `verbatim prune`: drops what nothing needs. Throws Refusal `state` where some of it could not be removed. */
export async function prune(config: Config, { reason, dryRun, json }: PruneFlags): Promise<void> {
  report(await pruneIn({ config, reason, dryRun }), { dryRun, json });
}

/** Says what came of it; throws where some of it could not be removed. */
export function report(done: PrunedHere, { dryRun, json }: Omit<PruneFlags, 'reason'>): void {
  if (json) printJson(jsonOf(done, dryRun));
  else tell(done);
  const { failed = 0 } = done.pruned ?? {};
  if (failed > 0)
    throw new Refusal(
      'state',
      `${failed} files could not be removed. They stay, and are counted: look at the disk, and run it again.`,
      { subject: 'state', transient: true },
    );
}

function jsonOf({ plan, pruned }: PrunedHere, dryRun: boolean) {
  const { total, goes, byIndex, stays, unjudged, pagesNotAtHand } = plan;
  return { dryRun, would: { ...total, as: goes, byIndex }, pruned: pruned ?? null, stays, unjudged, pagesNotAtHand };
}

function tell({ plan, pruned }: PrunedHere): void {
  const { goes, stays, unjudged, pagesNotAtHand, total } = plan;
  for (const [as, counted] of goes) print(`goes: ${countText(counted)}: ${GOES[as]}`);
  for (const [as, counted] of stays) print(`stays: ${countText(counted)}: ${STAYS[as]}`);
  for (const [index, why] of unjudged) print(`of ${index} only what is known to be old goes: ${why}`);
  if (pagesNotAtHand > 0) print(`${pagesNotAtHand} pages are not at hand: everything that their pins name stays`);
  if (pruned === undefined) print(`would drop ${countText(total)}`);
  else told(pruned, plan);
}

function told({ files, bytes, spared }: NonNullable<PrunedHere['pruned']>, { total }: PrunePlan): void {
  const inUse = spared === 0 ? '' : `; ${spared} stay, because they came into use meanwhile`;
  print(`dropped ${countText({ files, bytes })}${inUse}`);
  if (total.files > 0) print('It is in the audit trail. Pins stay: what is fetched again is held to them.');
}

function countText({ files, bytes }: Counted): string {
  return `${counted(files, 'file')}, ${bytes} bytes`;
}
