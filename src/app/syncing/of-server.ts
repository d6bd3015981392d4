import type { Config } from '../../config/config.ts';
import type { Emit } from '../../ports/events.ts';
import type { Composition } from '../compose.ts';
import { Schedules } from './schedules.ts';

/** Those of a server. Replicas that keep files in one bucket take turns; those with disks of their own each fill their own. */
export function schedulesOf({
  config,
  composition,
  emit,
}: {
  readonly config: Config;
  readonly composition: Composition;
  readonly emit: Emit;
}): Schedules {
  const store = config.blobs?.store;
  return new Schedules({
    config,
    composition,
    emit,
    retain: () => composition.blobs.retain(),
    lease: store === undefined ? undefined : composition.redis?.leaseOver(`syncs ${store}`),
  });
}
