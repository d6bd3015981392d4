import { createClock } from '../app/clock.ts';
import { indexOf, withDataDirectory } from '../app/data-directory.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import { createJournal } from '../disk/records/journal.ts';
import { actsOf, type Named } from '../mirror/operator/acts.ts';
import { print, printJson } from './output.ts';

interface AcceptChangeOptions extends Named {
  readonly index: string;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** `verbatim accept-change`: lets through one change that Verbatim refuses to believe by itself, and writes it down. */
export async function acceptChange(config: Config, options: AcceptChangeOptions): Promise<void> {
  const { index, change, reason, dryRun, json } = options;
  indexOf(config, index);
  const now = createClock(undefined).now();
  await withDataDirectory(config, async (directory) => {
    const { state } = await directory.open(index);
    const acts = await actsOf({ state, now }, options);
    const described = acts.map(({ carryOut: _, ...act }) => act);
    if (!dryRun) {
      // The word is kept before anything follows from it.
      const entry = { at: now, action: actionText(options), reason };
      const known = await state.facts.change((was) => was && { ...was.value, audit: [...was.value.audit, entry] });
      if (known === undefined)
        throw new Refusal('state', `Index ${index} has no state yet to note a change in.`, { subject: 'state' });
      const journal = createJournal(directory.records);
      try {
        for (const act of acts) {
          await act.carryOut();
          const { project, file, what, before, after } = act;
          journal.note({
            at: now,
            index,
            kind: 'accepted',
            project,
            file,
            before,
            after,
            reason: `${what}: ${reason}`,
          });
        }
      } finally {
        await journal.close();
      }
    }
    if (json) return printJson({ index, dryRun, accepted: described });
    for (const { project, file, what, before, after } of described)
      print(`${dryRun ? 'would accept' : 'accepted'} for ${file ?? project}: ${what}, ${before} -> ${after}`);
    if (acts.length === 0) print(`Nothing of the fetch ${change.revokeFetch} is kept.`);
    else if (!dryRun) print("It is in the audit trail. A server that runs follows at the page's next refresh.");
  });
}

function actionText({ project, file, change }: AcceptChangeOptions): string {
  const named = Object.entries(change).map(([name, value]) => `${name}=${String(value)}`);
  return ['accept-change', project, file, ...named].filter((part) => part !== undefined).join(' ');
}
