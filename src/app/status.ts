import type { Instant } from '../bytes/instant.ts';
import type { AddressConfig } from '../config/combined/schema.ts';
import type { IndexStatus } from '../mirror/package-index.ts';
import type { Condition } from '../ports/conditions.ts';
import { VERSION } from '../version.ts';
import { holdDaysOf } from './carry/retention.ts';
import type { Composition } from './compose.ts';
import type { DiskSize } from './disk-sizes.ts';
import { statusesSoon, tamperedWith } from './health/facts.ts';
import type { Kept } from './kept.ts';
import { holdsInForce } from './syncing/holds.ts';
import type { JobStatus } from './syncing/schedules.ts';

/** How a mirror stands: what lies in its data directory, and what this process knows besides. */
export interface StatusReport {
  readonly now: number;
  /** As of when what expires is judged. */
  readonly judged: number;
  readonly indexes: readonly IndexStatus[];
  /** Each over several of them. */
  readonly addresses: readonly AddressConfig[];
  readonly store: {
    readonly bytes: number;
    readonly blobs: number;
    readonly limitBytes: number;
    readonly byIndex: ReadonlyMap<string, number>;
  };
  readonly disk: readonly DiskSize[];
  /** How much is remembered, and how much may be. */
  readonly kept: readonly Kept[];
  /** How each index stands to the replicas that share its state, where this process knows; empty for a mirror that is alone. */
  readonly fleet: readonly FleetStatus[];
  /** What syncs hold, and until when it is spared from eviction. */
  readonly holds: readonly HoldStatus[];
  /** Of each index how many things were not what was promised, in the last hour; those of which there were none are left out. */
  readonly tampered: readonly { readonly index: string; readonly things: number }[];
  /** What an operator should know. */
  readonly conditions: readonly KnownCondition[];
}

export interface HoldStatus {
  readonly index: string;
  /** What was synced. */
  readonly sync: string;
  readonly at: Instant;
  readonly until: Instant;
  readonly files: number;
  readonly bytes: number;
}

/** A condition as it is told; another release of the server may know of others. */
export interface KnownCondition extends Omit<Condition, 'what'> {
  readonly what: string;
}

export interface FleetStatus {
  readonly index: string;
  /** The last entry of the shared log that is held. */
  readonly entry: number | undefined;
  /** When the log was last read to its end. */
  readonly followedAt: Instant | undefined;
  /** Since when this replica stands alone, and why. */
  readonly alone: { readonly since: Instant; readonly why: string } | undefined;
}

/** What only a server knows. */
export interface ServerReport {
  readonly pid: number;
  readonly version: string;
  readonly startedAt: number;
  /** Of clients. */
  readonly connections: { readonly open: number; readonly limit: number; readonly refused: number };
  readonly queues: readonly QueueStatus[];
  /** What it syncs by schedule. */
  readonly syncs?: readonly JobStatus[] | undefined;
  /** What was read again of what is on disk; undefined where nothing is (cache.scrub_days). */
  readonly scrub?: ScrubStatus | undefined;
  /** Of a server of several processes. */
  readonly workers?: { readonly configured: number; readonly answering: number } | undefined;
}

/** Files that were read again whole and held, their bytes, and what was set aside; since the start, and in the last round. */
export interface ScrubStatus extends ScrubCounts {
  /** How often what lies there could not be listed, and why not at the last try. */
  readonly failures: number;
  readonly failed: string | undefined;
  readonly last: (ScrubCounts & { readonly at: Instant; readonly seconds: number }) | undefined;
}

interface ScrubCounts {
  readonly files: number;
  readonly bytes: number;
  readonly damaged: number;
}

/** `index` is empty where all indexes share it. */
export interface QueueStatus {
  readonly queue: string;
  readonly index: string;
  readonly places: number;
  readonly busy: number;
  readonly waiting: number;
  /** Callers since start. */
  readonly refused: number;
}

export async function statusOf(
  { clock, indexes, blobs, sizes, kept, fleet, volume, operator, news }: Composition,
  conditions: StatusReport['conditions'],
): Promise<StatusReport> {
  const [now, judged] = [clock.now(), clock.judged()];
  const all = await statusesSoon(indexes, now);
  await blobs.scanned;
  const { bytes, blobs: count, limit } = blobs.usage();
  const store = { bytes, blobs: count, limitBytes: limit, byIndex: blobs.held() };
  return {
    now,
    judged,
    indexes: all,
    addresses: Object.values(operator.config.addresses ?? {}),
    store,
    disk: await sizes(),
    kept: await kept(),
    fleet: fleetStatus(fleet),
    tampered: await tamperedWith(news, now),
    holds: await holdsStatus(volume, { holdDays: holdDaysOf(operator.config), now }),
    conditions,
  };
}

async function holdsStatus(...of: Parameters<typeof holdsInForce>): Promise<readonly HoldStatus[]> {
  const holds: HoldStatus[] = [];
  for await (const { index, name: sync, at, until, files, bytes } of holdsInForce(...of))
    holds.push({ index, sync, at, until, files, bytes });
  return holds;
}

function fleetStatus(fleet: Composition['fleet']): readonly FleetStatus[] {
  const seconds = (ms: number) => Math.floor(ms / 1000);
  return (fleet?.standings ?? []).map(({ index, entry, followedAt, alone }) => ({
    index,
    entry,
    followedAt: followedAt === undefined ? undefined : seconds(followedAt),
    alone: alone && { since: seconds(alone.since), why: alone.refusal.message },
  }));
}

export function serverReport(
  { queues }: Pick<Composition, 'queues'>,
  { startedAt, connections }: Pick<ServerReport, 'startedAt' | 'connections'>,
): ServerReport {
  const { open, limit, refused } = connections;
  return {
    pid: process.pid,
    version: VERSION,
    startedAt,
    connections: { open, limit, refused },
    queues: queues.map(({ queue, index, gate }) => {
      const { places, busy, waiting, refused: callers } = gate.report();
      return {
        queue,
        index,
        places,
        busy,
        waiting,
        refused: [...callers.values()].reduce((sum, each) => sum + each, 0),
      };
    }),
  };
}
