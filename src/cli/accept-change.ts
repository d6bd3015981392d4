import { indexOf, nowOf, withDataDirectory } from '../app/data-directory.ts';
import type { Config } from '../config/config.ts';
import { createJournal } from '../disk/journal.ts';
import { createIndexState } from '../state/files/index-facts.ts';
import { createPageStore } from '../state/files/pages.ts';
import { createPins } from '../state/files/pins.ts';
import { actsOf, type Named } from './accepted.ts';
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
  const now = nowOf(config);
  await withDataDirectory(config, async (volume) => {
    const place = { pins: createPins(volume, index), pages: createPageStore(volume, index), now };
    const acts = await actsOf(place, options);
    const described = acts.map(({ carryOut: _, ...act }) => act);
    if (!dryRun) {
      // The word is kept before anything follows from it.
      await createIndexState(volume, index).appendAudit({ at: now, action: actionText(options), reason });
      const journal = createJournal(volume);
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
