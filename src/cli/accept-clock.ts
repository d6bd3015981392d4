import { onServers } from '../app/control/on-servers.ts';
import { type AcceptClockRequest, AcceptedClocks } from '../app/control/requests.ts';
import { indexOf } from '../app/data-directory.ts';
import { acceptClockIn } from '../app/operator/accept-clock.ts';
import { withOperatorPlace } from '../app/operator/place.ts';
import { instantText } from '../bytes/instant.ts';
import type { Config } from '../config/config.ts';
import { print, printJson } from './output.ts';

interface AcceptClockOptions extends AcceptClockRequest {
  readonly json: boolean;
}

/** `verbatim accept-clock`: this machine's clock is right and was ahead before; what it left behind is set right. */
export async function acceptClock(config: Config, { json, ...request }: AcceptClockOptions): Promise<void> {
  const { index, dryRun } = request;
  if (index !== undefined) indexOf(config, index);
  const live = await onServers(config, 'accept-clock', request, AcceptedClocks);
  const { now, accepted } = live?.answer ?? (await withOperatorPlace(config, (place) => acceptClockIn(place, request)));
  if (json) return printJson({ now, dryRun, accepted });
  for (const { index: name, what, before, after } of accepted)
    print(`${dryRun ? 'would accept' : 'accepted'} for ${name}: ${what}, ${before} -> ${after}`);
  if (accepted.length === 0) print(`Nothing is later than ${instantText(now)}.`);
  else if (!dryRun) print('It is in the audit trail. A server that runs here follows with the next request.');
}
