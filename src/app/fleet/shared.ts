import { hostname } from 'node:os';
import type { Config } from '../../config/config.ts';
import type { Volume } from '../../disk/volume.ts';
import type { Emit } from '../../ports/events.ts';
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

/** Names who downloads a file once for all: those of one bucket, all peers, or the processes of one data directory. */
export function leaseAmong({ store, fleetPeers, volume }: Whereabouts): string {
  return store ?? (fleetPeers === undefined ? `directory ${hostname()} ${volume.root}` : AMONG_PEERS);
}
