import { counted } from '../../bytes/counted.ts';
import type { SyncReport, Tellings } from '../../sync/report.ts';
import type { Synced } from '../../sync/sync.ts';
import { megabytes } from './progress.ts';

/** Named on a terminal; the others are counted, and in the JSON. */
const MOST_SHOWN = 20;

/** What the command found out besides. */
export interface Beside {
  readonly isDryRun: boolean;
  readonly isCheck: boolean;
  /** `PROJECT FILE`, of what the index took away meanwhile. */
  readonly gone: readonly string[];
  /** Locks that were written, by environment. */
  readonly locks: readonly string[];
}

export function countedLine({ progress }: SyncReport): string {
  const { files, bytes, held, heldBytes, unsized } = progress;
  const unknown = unsized === 0 ? '' : `; of ${unsized} upstream states no size`;
  return `${counted(files, 'file')}, ${megabytes(bytes)}; held already: ${held}, ${megabytes(heldBytes)}${unknown}`;
}

/** What came of it, in lines. */
export function reportLines(
  { report, plan, again, spared }: Synced,
  { isDryRun, isCheck, gone, locks }: Beside,
): readonly string[] {
  const { progress, fetched, missing, refused, leftOut } = report;
  const lines = isDryRun
    ? [
        `would fetch ${counted(progress.files - progress.held, 'file')}, ${megabytes(progress.bytes - progress.heldBytes)}; held already: ${progress.held}`,
      ]
    : isCheck
      ? [`held: ${progress.held} of ${counted(progress.files, 'file')}`]
      : [`new: ${counted(fetched.count, 'file')}, ${megabytes(progress.fetchedBytes)}; held already: ${progress.held}`];
  if (again > 0)
    lines.push(
      `begun again ${counted(again, 'time')}, because the index published meanwhile: all of it is of one snapshot`,
    );
  if (spared > 0)
    lines.push(`not asked: serial unchanged: ${counted(spared, 'project')}, whose pages were asked for within a day`);
  if (gone.length > 0)
    lines.push(`gone upstream meanwhile: ${gone.length}`, ...gone.slice(0, MOST_SHOWN).map((each) => `  ${each}`));
  lines.push(...told('refused', refused), ...told('missing', missing));
  for (const [why, count] of leftOut) lines.push(`left out, ${why}: ${counted(count, 'file')}`);
  for (const { what, why, at } of plan.passedOver.slice(0, MOST_SHOWN))
    lines.push(`passed over, ${why}: ${what} (${at})`);
  const isFollowed = plan.choices.some(({ environment }) => environment !== undefined);
  if (plan.unpinned.length > 0) {
    lines.push(
      `nothing pins the choice of ${counted(plan.unpinned.length, 'requirement')} without a hash: ${plan.unpinned[0]?.at}${plan.unpinned.length > 1 ? ' and others' : ''}`,
    );
    if (!isFollowed) lines.push('what they require is not looked at: no environment is given (--env)');
  }
  lines.push(...locks.map((path) => `the choice was written to ${path}`));
  const unread = plan.choices.flatMap((each) => each.unread);
  if (unread.length > 0)
    lines.push(
      `not known without building it is what is required by: ${[...new Set(unread)].slice(0, MOST_SHOWN).join(', ')}`,
    );
  return lines;
}

function told(word: string, { count, named }: Tellings): readonly string[] {
  if (count === 0) return [];
  const shown = named
    .slice(0, MOST_SHOWN)
    .map(({ what, why, at }) => `  ${what}: ${why}${at === undefined ? '' : ` (${at})`}`);
  return [
    `${word}: ${count}`,
    ...shown,
    ...(count > MOST_SHOWN ? [`  and ${count - MOST_SHOWN} more (--json names them)`] : []),
  ];
}

/** The same for machines. */
export function reportJson({ report, plan, again, spared }: Synced, { isDryRun, isCheck, gone, locks }: Beside) {
  const { progress, fetched, missing, refused, leftOut } = report;
  return {
    event: 'report',
    dryRun: isDryRun,
    check: isCheck,
    ...progress,
    begunAgain: again,
    notAsked: spared,
    new: fetched.named.map(({ what }) => what),
    gone,
    refused: refused.named,
    missing: missing.named,
    leftOut,
    passedOver: plan.passedOver,
    unpinned: plan.unpinned.map(({ project, specifiers, at }) => ({ project, versions: specifiers.text, at })),
    notKnown: plan.choices.flatMap(({ unread }) => unread),
    locks,
  };
}
