import { compose } from '../app/compose.ts';
import { indexOf } from '../app/data-directory.ts';
import { noEvents } from '../app/no-events.ts';
import { internalCaller } from '../async/caller.ts';
import { instantText } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import { normalizeName } from '../pypi/names.ts';
import { audited } from './audited.ts';
import { print, printJson } from './output.ts';

interface RefreshOptions {
  readonly index: string;
  /** As it was written on the command line. */
  readonly name: string;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** `verbatim refresh INDEX NAME`: asks upstream for a page now, however fresh the one that is held is, and stores what is believed. */
export async function refresh(config: Config, options: RefreshOptions): Promise<void> {
  const { dryRun, json, reason } = options;
  const { name: index, upstream } = indexOf(config, options.index);
  const project = normalizeName(options.name);
  if (project === undefined)
    throw new Refusal('format', `"${options.name}" is no project's name.`, { subject: 'request' });
  const composition = await compose({ config, emit: noEvents });
  try {
    const state = composition.states.get(index);
    const mirror = composition.indexes.find(({ name }) => name === index);
    const page = (await state?.page(project).read())?.value.page;
    const held = page === undefined || page.letGo !== undefined ? undefined : instantText(page.confirmedAt);
    if (dryRun) {
      if (json) printJson({ index, project, dryRun, held });
      else print(`would ask ${upstream} for ${project}; held: ${held === undefined ? 'no page' : `as of ${held}`}`);
      return;
    }
    if (state !== undefined) await audited(state, composition.clock.now(), `refresh ${project}`, reason);
    const result = await mirror?.look(project, internalCaller(index, 'refresh', 'client'));
    if (json) printJson({ index, project, dryRun, held, result });
    else {
      print(`${project}: ${result}`);
      print("It is in the audit trail. A server that runs follows at the page's next refresh.");
    }
  } finally {
    await composition.close();
  }
}
