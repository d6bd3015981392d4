import { setTimeout } from 'node:timers/promises';
import { createLoopLoad } from '../../async/loop-load.ts';
import { Scrub, type ScrubReport, type Waiting } from '../../blobs/scrub/scrub.ts';
import type { Config } from '../../config/config.ts';
import { createScrubRecord } from '../../disk/blob-storage.ts';
import type { Emit } from '../../ports/events.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Composition } from '../compose.ts';
import type { ScrubStatus } from '../status.ts';
import { schedulesOf } from '../syncing/of-server.ts';
import type { JobStatus } from '../syncing/schedules.ts';
import { FetchAgain } from './fetch-again.ts';
import { LookAgain } from './look-again.ts';

/** What a server does unasked. */
export interface Jobs {
  readonly syncs: readonly JobStatus[] | undefined;
  /** Undefined where nothing is read again. */
  readonly scrub: ScrubStatus | undefined;
  close(): Promise<void>;
}

interface JobsParts {
  readonly config: Config;
  readonly composition: Composition;
  readonly emit: Emit;
  readonly metrics: Pick<Metrics, 'watchScrub'>;
  /** Of several processes one does them. */
  readonly leads: boolean;
  /** For tests: when things are read again, and when upstream is asked again. */
  readonly waiting?: Waiting | undefined;
  readonly looking?: Waiting | undefined;
}

const REAL: Waiting = { now: Date.now, wait: (ms, signal) => setTimeout(ms, undefined, { signal, ref: false }) };

/** Begins them. */
export function jobsOf({ leads, metrics, ...parts }: JobsParts): Jobs | undefined {
  if (!leads) return undefined;
  const schedules = parts.config.offline ? undefined : schedulesOf(parts);
  const scrubbing = scrubOf(parts);
  const looking = lookingOf(parts);
  if (scrubbing !== undefined) metrics.watchScrub(() => scrubbing.report);
  return {
    get syncs() {
      return schedules?.status;
    },
    get scrub() {
      return scrubbing && statusOf(scrubbing.report);
    },
    async close() {
      await schedules?.close();
      for (const each of looking) await each.close();
      await scrubbing?.close();
    },
  };
}

function statusOf({ last, ...counts }: ScrubReport): ScrubStatus {
  if (last === undefined) return { ...counts, last };
  const { endedMs, ...round } = last;
  return { ...counts, last: { ...round, at: Math.floor(endedMs / 1000) } };
}

/** Of every index; an upstream is asked by none that may not ask. */
function lookingOf({
  config,
  composition,
  emit,
  looking: waiting = REAL,
}: Omit<JobsParts, 'leads' | 'metrics'>): readonly LookAgain[] {
  const { indexes, states, clock } = composition;
  return indexes.flatMap((mirror) => {
    const state = states.get(mirror.name);
    return state === undefined || (config.offline && mirror.carried === undefined)
      ? []
      : [new LookAgain({ mirror, state, clock, emit, waiting })];
  });
}

/** Of this machine's own disk: what lies in a bucket is proved when it is brought. */
function scrubOf({ config, composition, emit, waiting = REAL }: Omit<JobsParts, 'leads' | 'metrics'>) {
  const { scrubDays: days = 0, scrubBytesPerSecond: bytesPerSecond } = config.cache;
  if (days === 0) return undefined;
  const { blobs, bucket, disk, shares, indexes, states, volume } = composition;
  const again = new FetchAgain({ indexes, states, storage: disk, isOffline: config.offline, emit });
  const isLoopBusy = createLoopLoad();
  const scrub = new Scrub({
    storage: disk,
    ready: blobs.scanned,
    names: () => blobs.reread.names(),
    stored: () => bucket?.usage().bytes ?? blobs.usage().bytes,
    record: createScrubRecord(volume),
    pace: { days, bytesPerSecond },
    waiting,
    isBusy: () => isLoopBusy() || shares.chunks.usage.busy > 0 || shares.proofs.usage.busy > 0,
    async setAside(sha256, message) {
      if (bucket === undefined) await blobs.reread.setAside(sha256, message);
      else {
        // The bucket's own is another copy, and is not known to be damaged.
        await disk.setAside(sha256);
        emit({ name: 'rejected', index: '', reason: 'digest', subject: 'file', thing: sha256, message, at: 'disk' });
      }
      again.want(sha256);
    },
    onRound: ({ files, bytes, damaged, seconds }) => emit({ name: 'scrubbed', files, bytes, damaged, seconds }),
    onTrouble: (error) => emit({ name: 'faulted', at: 'store', error }),
  });
  return {
    get report() {
      return scrub.report;
    },
    async close() {
      await scrub.close();
      await again.close();
    },
  };
}
