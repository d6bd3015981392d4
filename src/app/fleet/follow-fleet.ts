import { internalCaller } from '../../async/caller.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { Emit } from '../../ports/events.ts';
import type { ItemPath } from '../../ports/state-storage.ts';

/** What an operator put in quarantine, or answered, or was found out of who published files, elsewhere, is in force here when this resolves. */
export async function judgeAgain(mirror: PackageIndex, items: readonly ItemPath[]): Promise<void> {
  for (const [, area, project] of items)
    if (JUDGED.has(area) && project !== undefined) await mirror.judgeAgain(project);
}

/** What a policy knows of a project besides its page and its pins. */
const JUDGED: ReadonlySet<string | undefined> = new Set(['quarantine', 'answers', 'provenance', 'contents']);

/** What memory holds of what other replicas wrote is given up, and what they published is believed once it is proved here. */
export async function followFleet(mirror: PackageIndex, items: readonly ItemPath[], emit: Emit): Promise<void> {
  const caller = internalCaller(mirror.name, 'operator');
  try {
    if (items.some(([, area, kind]) => area === 'tuf' && kind === 'current')) await mirror.signed?.adopt();
    await judgeAgain(mirror, items);
    const projects = items.flatMap(([, area, project]) =>
      (area === 'pages' || area === 'pins') && project !== undefined ? [project] : [],
    );
    for (const project of new Set(projects)) await mirror.follow(project, caller);
  } catch (error) {
    emit({ name: 'faulted', at: 'store', error });
  }
}
