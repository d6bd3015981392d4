import { compose } from '../app/compose.ts';
import { onServers } from '../app/control/on-servers.ts';
import { Refreshed, type RefreshRequest } from '../app/control/requests.ts';
import { indexOf } from '../app/data-directory.ts';
import { noEvents } from '../app/no-events.ts';
import { refreshIn } from '../app/operator/refresh.ts';
import { existing } from '../bytes/existing.ts';
import type { Config } from '../config/config.ts';
import { print, printJson } from './output.ts';
import { sayUntold } from './untold.ts';

interface RefreshOptions extends RefreshRequest {
  readonly json: boolean;
}

/** `verbatim refresh INDEX NAME`: asks upstream for a page now, however fresh the one that is held is, and stores what is believed. */
export async function refresh(config: Config, { json, ...request }: RefreshOptions): Promise<void> {
  const { index, dryRun } = request;
  const { upstream } = indexOf(config, index);
  const live = await onServers(config, 'refresh', request, Refreshed, ({ project }) =>
    dryRun ? undefined : { index, projects: [project] },
  );
  const { project, held, result } = live?.answer ?? (await refreshHere(config, request));
  if (json) printJson({ index, project, dryRun, held: held ?? undefined, result: result ?? undefined });
  else if (dryRun) print(`would ask ${upstream} for ${project}; held: ${held == null ? 'no page' : `as of ${held}`}`);
  else print(`${project}: ${result}`, 'It is in the audit trail. A server that runs here serves it from now on.');
  sayUntold(live?.untold);
}

async function refreshHere(config: Config, request: RefreshRequest): Promise<Refreshed> {
  const composition = await compose({ config, emit: noEvents });
  try {
    const composed = composition.indexes.find(({ name }) => name === request.index);
    const mirror = existing(composed, `${request.index} is configured and was not composed`);
    const state = composition.states.get(request.index);
    return await refreshIn({ mirror, state, now: composition.clock.now() }, request);
  } finally {
    await composition.close();
  }
}
