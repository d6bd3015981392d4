import { onServers } from '../app/control/on-servers.ts';
import { type AcceptChangeRequest, type AcceptedChange, AcceptedChanges } from '../app/control/requests.ts';
import { indexOf } from '../app/data-directory.ts';
import { acceptChangeIn } from '../app/operator/accept-change.ts';
import { withOperatorPlace } from '../app/operator/place.ts';
import { shownField } from '../bytes/printable.ts';
import type { Config } from '../config/config.ts';
import { print, printJson } from './output.ts';
import { sayUntold } from './untold.ts';

interface AcceptChangeOptions extends AcceptChangeRequest {
  readonly json: boolean;
}

/** `verbatim accept-change`: lets through what Verbatim refuses to believe by itself, in the server where one runs. */
export async function acceptChange(config: Config, { json, ...request }: AcceptChangeOptions): Promise<void> {
  const { index, dryRun } = request;
  indexOf(config, index);
  const live = await onServers(config, 'accept-change', request, AcceptedChanges, (accepted) =>
    dryRun ? undefined : { index, projects: [...new Set(accepted.map(({ project }) => project))] },
  );
  const accepted = live?.answer ?? (await withOperatorPlace(config, (place) => acceptChangeIn(place, request)));
  if (json) printJson({ index, dryRun, accepted });
  else tell(accepted, request);
  sayUntold(live?.untold);
}

function tell(accepted: readonly AcceptedChange[], { all, change, dryRun }: AcceptChangeRequest): void {
  for (const { project, file, what, before, after } of accepted) {
    const changed = `${what}, ${before} -> ${after}`;
    print(`${dryRun ? 'would accept' : 'accepted'} for ${shownField(file ?? project)}: ${shownField(changed)}`);
  }
  if (accepted.length === 0)
    print(all === undefined ? `Nothing of the fetch ${change.revokeFetch} is kept.` : 'Nothing is refused so.');
  else if (!dryRun) print('It is in the audit trail. A server that runs here follows at once.');
}
