import { onServers } from '../app/control/on-servers.ts';
import { type ForgetRequest, Forgotten } from '../app/control/requests.ts';
import { indexOf } from '../app/data-directory.ts';
import { forgetIn } from '../app/operator/forget.ts';
import { withOperatorPlace } from '../app/operator/place.ts';
import { shownField } from '../bytes/printable.ts';
import type { Config } from '../config/config.ts';
import { print, printJson } from './output.ts';

interface ForgetOptions extends ForgetRequest {
  readonly json: boolean;
}

/** `verbatim forget INDEX NAME [FILE]`: drops the bytes that are held of a project's files, in the server where one runs. */
export async function forget(config: Config, { json, ...request }: ForgetOptions): Promise<void> {
  const { index, dryRun } = request;
  indexOf(config, index);
  const live = await onServers(config, 'forget', request, Forgotten);
  const { project, forgotten } = live?.answer ?? (await withOperatorPlace(config, (place) => forgetIn(place, request)));
  if (json) printJson({ index, project, dryRun, forgotten });
  else tell(forgotten, dryRun);
}

function tell(held: Forgotten['forgotten'], dryRun: boolean): void {
  for (const { file, bytes } of held) print(`${dryRun ? 'would drop' : 'dropped'} ${shownField(file)}: ${bytes} bytes`);
  if (held.length === 0) print('Nothing of it is held.');
  else if (!dryRun) print('It is in the audit trail. Pins stay: what is fetched again is held to them.');
}
