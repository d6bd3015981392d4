import { internalCaller } from '../../async/caller.ts';
import { instantText } from '../../bytes/instant.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { IndexState } from '../../ports/index-state.ts';
import type { Refreshed, RefreshRequest } from '../control/requests.ts';
import { audited } from './audited.ts';
import { projectOf } from './place.ts';

export interface RefreshPlace {
  readonly mirror: PackageIndex;
  /** Undefined where the index refuses because of it. */
  readonly state: IndexState | undefined;
  readonly now: number;
}

/** Asks upstream for a page now, however fresh the one that is held is, and stores what is believed. Throws Refusal. */
export async function refreshIn({ mirror, state, now }: RefreshPlace, request: RefreshRequest): Promise<Refreshed> {
  const { index, reason, dryRun } = request;
  const project = projectOf(request.name);
  const page = (await state?.page(project).read())?.value.page;
  const held = page === undefined || page.letGo !== undefined ? undefined : instantText(page.confirmedAt);
  if (dryRun) return { project, held };
  if (state !== undefined) await audited(state, now, `refresh ${project}`, reason);
  return { project, held, result: await mirror.look(project, internalCaller(index, 'refresh', 'client')) };
}
