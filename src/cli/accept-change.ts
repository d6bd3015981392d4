import { createClock } from '../app/clock.ts';
import { indexOf, withDataDirectory } from '../app/data-directory.ts';
import type { Instant } from '../bytes/instant.ts';
import { shownField } from '../bytes/printable.ts';
import type { Config } from '../config/config.ts';
import { createJournal } from '../disk/records/journal.ts';
import { type Act, actsOf, type Named } from '../mirror/operator/acts.ts';
import { type Bulk, bulkActs } from '../mirror/operator/bulk-acts.ts';
import type { IndexState } from '../ports/index-state.ts';
import type { Journal } from '../ports/records.ts';
import { audited } from './audited.ts';
import { print, printJson } from './output.ts';

interface AcceptChangeOptions extends Named {
  readonly index: string;
  /** Instead of one change: all that are refused so. */
  readonly all?: Bulk | undefined;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** `verbatim accept-change`: lets through what Verbatim refuses to believe by itself, and writes it down. */
export async function acceptChange(config: Config, options: AcceptChangeOptions): Promise<void> {
  const { index, all, dryRun, json } = options;
  indexOf(config, index);
  const now = createClock(undefined).now();
  await withDataDirectory(config, async (directory) => {
    const { state } = await directory.open(index);
    const journal = createJournal(directory.records, { maxBytes: config.cache.journalBytes });
    try {
      const place = { state, now };
      const acts = await (all === undefined ? actsOf(place, options) : bulkActs(place, all, journal.read({ index })));
      if (!dryRun && acts.length > 0) await carryOut(acts, { state, now, journal }, options);
      if (json) printJson({ index, dryRun, accepted: acts.map(({ carryOut: _, ...act }) => act) });
      else tell(acts, options);
    } finally {
      await journal.close();
    }
  });
}

interface At {
  readonly state: Pick<IndexState, 'facts' | 'index'>;
  readonly now: Instant;
  readonly journal: Journal;
}

async function carryOut(acts: readonly Act[], { state, now, journal }: At, options: AcceptChangeOptions) {
  const { index, reason } = options;
  // The word is kept before anything follows from it.
  await audited(state, now, actionText(options), reason);
  for (const act of acts) {
    await act.carryOut();
    const { project, file, what, before, after } = act;
    const word = { kind: 'accepted', before, after, reason: `${what}: ${reason}` } as const;
    journal.note({ at: now, index, project, file, ...word });
  }
}

function tell(acts: readonly Act[], { all, change, dryRun }: AcceptChangeOptions): void {
  for (const { project, file, what, before, after } of acts) {
    const changed = `${what}, ${before} -> ${after}`;
    print(`${dryRun ? 'would accept' : 'accepted'} for ${shownField(file ?? project)}: ${shownField(changed)}`);
  }
  if (acts.length === 0)
    print(all === undefined ? `Nothing of the fetch ${change.revokeFetch} is kept.` : 'Nothing is refused so.');
  else if (!dryRun) print("It is in the audit trail. A server that runs follows at the page's next refresh.");
}

function actionText({ project, file, change, all }: AcceptChangeOptions): string {
  const named = Object.entries({ ...all, ...change })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${String(value)}`);
  return ['accept-change', project, file, ...named].filter((part) => part !== undefined).join(' ');
}
