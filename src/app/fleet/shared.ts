import { hostname } from 'node:os';
import { LeaseInOrder, OwnLease } from '../../blobs/own-lease.ts';
import type { Config } from '../../config/config.ts';
import type { Volume } from '../../disk/volume.ts';
import type { Emit } from '../../ports/events.ts';
import type { Lease } from '../../ports/lease.ts';
import { loadRedis } from './load-redis.ts';
import { AMONG_PEERS, type FleetPeers, peersOf } from './peer-files.ts';
import type { SharedRedis } from './redis.ts';

/** What a server shares with others, where it is configured. */
interface Shared {
  readonly redis: SharedRedis | undefined;
  readonly fleetPeers: FleetPeers | undefined;
}

/** Of a command: it speaks to no other machine. */
export const ALONE: Shared = { redis: undefined, fleetPeers: undefined };

export async function openShared(config: Config, emit: Emit, closers: (() => unknown)[]): Promise<Shared> {
  const redis = await loadRedis(config, emit);
  closers.push(() => redis?.close());
  const fleetPeers = peersOf(config, emit);
  closers.push(() => fleetPeers?.close());
  return { redis, fleetPeers };
}

interface Whereabouts {
  /** The bucket that files are kept in. */
  readonly store: string | undefined;
  readonly fleetPeers: FleetPeers | undefined;
  readonly volume: Volume;
}

/** Who downloads a file once for all: the processes of this server, and then, where they share Redis, all who share the place. */
export function leaseOf(own: Lease | undefined, redis: SharedRedis | undefined, whereabouts: Whereabouts): Lease {
  const here = own ?? new OwnLease();
  return redis === undefined ? here : new LeaseInOrder(here, redis.leaseOver(placeOf(whereabouts)));
}

/** Those of one bucket, all peers, or the processes of one data directory. */
function placeOf({ store, fleetPeers, volume }: Whereabouts): string {
  return store ?? (fleetPeers === undefined ? `directory ${hostname()} ${volume.root}` : AMONG_PEERS);
}
