import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Event } from '../ports/events.ts';
import { type BucketNumbers, watchBucket } from './bucket-metrics.ts';
import { type ConditionNumbers, watchConditions } from './condition-metrics.ts';
import { type DiskPart, type KeptPart, watchDisk, watchKept } from './disk-metrics.ts';
import {
  answerMetrics,
  goneMetrics,
  lookMetrics,
  refreshMetrics,
  servedMetrics,
  upstreamMetrics,
} from './event-measures.ts';
import type { Row } from './event-row.ts';
import { type FleetNumbers, watchFleet } from './fleet-metrics.ts';
import { type AboutIndex, sayIndexes } from './index-metrics.ts';
import { combinations, oneOf, oneOfOrShared } from './labels.ts';
import { type RecordName, type RecordNumbers, watchRecord } from './record-metrics.ts';
import { type ScrubNumbers, watchScrub } from './scrub-metrics.ts';
import { type Readings, readAll, readTotals } from './several.ts';
import { createTally } from './tally.ts';
import {
  type ConnectionNumbers,
  type PageCounts,
  type QueueReport,
  type StoreSizes,
  type WorkerNumbers,
  watchConnections,
  watchPages,
  watchQuarantine,
  watchQueues,
  watchRedis,
  watchStore,
  watchWorkers,
} from './watched.ts';

export interface Metrics {
  /** Registers a counter of events; what it returns counts one. */
  counted<E>(counter: Row<E>['counter']): (event: E) => void;
  /** What these say beyond that they happened: seconds, bytes, versions. */
  answered(event: Event<'answered'>): void;
  refreshed(event: Event<'refreshed'>): void;
  served(event: Event<'served'>): void;
  askedUpstream(event: Event<'askedUpstream'>): void;
  lookedAhead(event: Event<'lookedAhead'>): void;
  gone(event: Event<'gone'>): void;
  /** A log line withheld by its budget. */
  logWithheld(): void;
  /** Lines the log lost for want of a reader; read at each scrape. */
  watchLog(dropped: () => number): void;
  /** Read at each scrape. */
  watchStore(read: () => StoreSizes): void;
  /** Read at each scrape. */
  watchBucket(read: () => BucketNumbers): void;
  /** Read at each scrape: what lies on disk besides fetched files. */
  watchDisk(read: () => Promise<readonly DiskPart[]>): void;
  /** Read at each scrape: what is remembered, and how much may be. */
  watchKept(read: () => Promise<readonly KeptPart[]>): void;
  /** How the record of who was sent what is written. */
  watchRecord(record: RecordName, read: () => RecordNumbers): void;
  /** Read at each scrape. */
  watchPages(read: () => Promise<readonly PageCounts[]>): void;
  /** Read at each scrape. */
  watchQueues(read: () => readonly QueueReport[]): void;
  watchConnections(read: () => ConnectionNumbers): void;
  /** Read at each scrape: how far what is on disk was read again. */
  watchScrub(read: () => ScrubNumbers): void;
  /** Read at each scrape: whether it answers. */
  watchRedis(read: () => boolean): void;
  /** Read at each scrape: how each index stands to its fleet. */
  watchFleet(read: () => readonly FleetNumbers[]): void;
  /** Read at each scrape. */
  watchConditions(read: () => ConditionNumbers): void;
  /** Read at each scrape: of a server of several processes. */
  watchWorkers(read: () => WorkerNumbers): void;
  /** For another process that answers for several: everything, or what only goes up. */
  readonly readings: { all(): Promise<Readings>; totals(): Promise<Readings> };
  /** What GET /metrics answers. */
  readonly exposition: { readonly contentType: string; text(): Promise<string> };
}

export interface MetricsOptions {
  /** The configured indexes: the only values of the label `index`. */
  readonly indexes: readonly AboutIndex[];
  readonly version: string;
  /** False for tests, which need no process metrics. */
  readonly processMetrics?: boolean | undefined;
  /** Where they are kept; one of their own unless given. */
  readonly registry?: Registry | undefined;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const { version, processMetrics = true, registry = new Registry() } = options;
  const indexes = options.indexes.map(({ name }) => name);
  const index = oneOf(indexes);
  const shared = oneOfOrShared(indexes);
  const refreshed = refreshMetrics(registry, indexes);
  sayBuild(registry, version);
  sayIndexes(registry, options.indexes);
  if (processMetrics) processMetricsOf(registry);
  return {
    counted({ name, help, labels, zeros = {}, values }) {
      const tally = createTally(registry, { name, help, labelNames: Object.keys(labels) });
      const allowed = Object.entries(labels).map(([key, label]) => ({ key, label: label === 'index' ? index : label }));
      for (const [first, ...others] of combinations(allowed.map(({ key, label }) => zeros[key] ?? label.values)))
        tally.add(0, first, ...others);
      const [one, two, three, four] = allowed.map(({ label }) => label);
      return (event) => {
        // By position: a warm answer is counted here, and an iterator would cost more than the count. What a series
        // says is what its labels allow, so that only what has none yet is looked up in their lists.
        const given = values(event);
        if (tally.addAgain(1, given[0], given[1], given[2], given[3])) return;
        tally.add(1, one?.(given[0]), two?.(given[1]), three?.(given[2]), four?.(given[3]));
      };
    },
    answered: answerMetrics(registry),
    refreshed: (event) => refreshed({ ...event, index: index(event.index) }),
    served: servedMetrics(registry),
    askedUpstream: upstreamMetrics(registry, index),
    lookedAhead: lookMetrics(registry, index),
    gone: goneMetrics(registry, index),
    ...logMetrics(registry),
    watchStore: (read) => watchStore(registry, read, index),
    watchBucket: (read) => watchBucket(registry, read),
    watchDisk: (read) => watchDisk(registry, read, shared),
    watchKept: (read) => watchKept(registry, read, shared),
    watchRecord: (record, read) => watchRecord(registry, record, read),
    watchPages(read) {
      watchPages(registry, index, read);
      watchQuarantine(registry, index, read);
    },
    watchQueues: (read) => watchQueues(registry, read, shared),
    watchScrub: (read) => watchScrub(registry, read),
    watchRedis: (read) => watchRedis(registry, read),
    watchFleet: (read) => watchFleet(registry, read, index),
    watchConnections: (read) => watchConnections(registry, read),
    watchConditions: (read) => watchConditions(registry, read, shared),
    watchWorkers: (read) => watchWorkers(registry, read),
    readings: { all: () => readAll(registry), totals: () => readTotals(registry) },
    exposition: { contentType: registry.contentType, text: () => registry.metrics() },
  };
}

function logMetrics(registry: Registry): Pick<Metrics, 'logWithheld' | 'watchLog'> {
  const unread: (() => number)[] = [];
  let withheld = 0;
  new Counter({
    name: 'verbatim_log_dropped_total',
    help: 'Log lines not written, by their budget or for want of a reader.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(unread.reduce((sum, dropped) => sum + dropped(), withheld));
    },
  });
  return {
    logWithheld() {
      withheld++;
    },
    watchLog: (dropped) => unread.push(dropped),
  };
}

/** Node's own that are counted once more without their kind, under a counter's name though they are none. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

function processMetricsOf(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}

function sayBuild(registry: Registry, version: string): void {
  const build = new Gauge({
    name: 'verbatim_build_info',
    help: 'Always 1: the version of this program, and of node.',
    labelNames: ['version', 'node'],
    registers: [registry],
    aggregator: 'max',
  });
  build.set({ version, node: process.version }, 1);
}
