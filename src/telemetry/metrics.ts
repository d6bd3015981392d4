import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Instant } from '../bytes/instant.ts';
import { type Event, LOOK_RESULTS, ROUTES } from '../ports/events.ts';
import { type BucketNumbers, watchBucket } from './bucket-metrics.ts';
import { type ConditionNumbers, watchConditions } from './condition-metrics.ts';
import { type DiskPart, type KeptPart, watchDisk, watchKept } from './disk-metrics.ts';
import { createDurations } from './durations.ts';
import type { Row } from './event-row.ts';
import { type FleetNumbers, watchFleet } from './fleet-metrics.ts';
import { type Label, oneOf } from './labels.ts';
import { type ScrubNumbers, watchScrub } from './scrub.ts';
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
  lookedAhead(event: Event<'lookedAhead'>): void;
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
  readonly indexes: readonly string[];
  readonly version: string;
  /** False for tests, which need no process metrics. */
  readonly processMetrics?: boolean | undefined;
  /** Where they are kept; one of their own unless given. */
  readonly registry?: Registry | undefined;
}

const ROLES: ReadonlySet<string> = new Set(['root', 'timestamp', 'snapshot', 'targets']);
const REQUEST_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10, 60];
const REFRESH_SECONDS = [0.05, 0.25, 1, 5, 20, 60];

export function createMetrics(options: MetricsOptions): Metrics {
  const { indexes, version, processMetrics = true, registry = new Registry() } = options;
  const index = oneOf(indexes);
  const refreshed = refreshMetrics(registry);
  sayBuild(registry, version);
  if (processMetrics) collectDefaultMetrics({ register: registry });
  return {
    counted({ name, help, labels, values }) {
      const tally = createTally(registry, { name, help, labelNames: Object.keys(labels) });
      const [one, two, three, four] = Object.values(labels).map((label) => (label === 'index' ? index : label));
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
    lookedAhead: lookMetrics(registry, index),
    ...logMetrics(registry),
    watchStore: (read) => watchStore(registry, read, index),
    watchBucket: (read) => watchBucket(registry, read),
    watchDisk: (read) => watchDisk(registry, read, (name) => (name === '' ? '' : index(name))),
    watchKept: (read) => watchKept(registry, read, (name) => (name === '' ? '' : index(name))),
    watchPages: (read) => watchPages(registry, index, read),
    watchQueues: (read) => watchQueues(registry, read, (name) => (name === '' ? '' : index(name))),
    watchScrub: (read) => watchScrub(registry, read),
    watchRedis: (read) => watchRedis(registry, read),
    watchFleet: (read) => watchFleet(registry, read, index),
    watchConnections: (read) => watchConnections(registry, read),
    watchConditions: (read) => watchConditions(registry, read, (name) => (name === '' ? '' : index(name))),
    watchWorkers: (read) => watchWorkers(registry, read),
    readings: { all: () => readAll(registry), totals: () => readTotals(registry) },
    exposition: { contentType: registry.contentType, text: () => registry.metrics() },
  };
}

function refreshMetrics(registry: Registry): (event: Event<'refreshed'>) => void {
  const registers = [registry];
  const durations = new Histogram({
    name: 'verbatim_refresh_duration_seconds',
    help: 'Seconds a refresh took.',
    labelNames: ['index'],
    buckets: REFRESH_SECONDS,
    registers,
  });
  // Of several processes the one that knows the newest speaks for all.
  const newest = (name: string, help: string, labelNames: readonly string[]) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers, aggregator: 'max' });
  const lastSuccess = newest(
    'verbatim_refresh_last_success_timestamp_seconds',
    'When the signed metadata was last walked to its end.',
    ['index'],
  );
  const byRole = ['index', 'role'];
  const versions = newest('verbatim_tuf_role_version', 'Version of each top-level role that is trusted now.', byRole);
  const expiries = newest(
    'verbatim_tuf_role_expires_timestamp_seconds',
    'When each top-level role expires; subtract time() to alert.',
    byRole,
  );
  const setRoles = (gauge: Gauge, index: string, values: ReadonlyMap<string, number | Instant> = new Map()) => {
    for (const [role, value] of values) if (ROLES.has(role)) gauge.set({ index, role }, value);
  };
  return (event) => {
    const { index, result } = event;
    durations.observe({ index }, event.seconds);
    if (result !== 'failed') lastSuccess.setToCurrentTime({ index });
    setRoles(versions, index, event.versions);
    setRoles(expiries, index, event.expires);
  };
}

function answerMetrics(registry: Registry): (event: Event<'answered'>) => void {
  const durations = createDurations(registry, {
    name: 'verbatim_http_request_duration_seconds',
    help: 'Seconds from a request to the end of its answer.',
    label: 'route',
    buckets: REQUEST_SECONDS,
  });
  const sent = createTally(registry, {
    name: 'verbatim_http_response_bytes_total',
    help: 'Bytes of bodies handed on.',
    labelNames: ['route'],
  });
  const cut = createTally(registry, {
    name: 'verbatim_http_aborted_responses_total',
    help: 'Responses cut before their end.',
    labelNames: ['reason'],
  });
  const route = oneOf(ROUTES);
  return (event) => {
    const kind = route(event.route);
    durations.observe(kind, event.seconds);
    sent.add(event.bytes, kind);
    // Without a refusal of ours it was the client that left.
    if (event.aborted) cut.add(1, event.reason ?? 'client');
  };
}

function lookMetrics(registry: Registry, index: Label): Metrics['lookedAhead'] {
  const bytes = createTally(registry, {
    name: 'verbatim_look_ahead_bytes_total',
    help: 'Bytes of what was looked at before any client asked for it.',
    labelNames: ['index', 'result'],
  });
  const result = oneOf(LOOK_RESULTS);
  return (event) => {
    if (event.bytes > 0) bytes.add(event.bytes, index(event.index), result(event.result));
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

function sayBuild(registry: Registry, version: string): void {
  const build = new Gauge({
    name: 'verbatim_build_info',
    help: 'Always 1.',
    labelNames: ['version', 'node'],
    registers: [registry],
    aggregator: 'max',
  });
  build.set({ version, node: process.version }, 1);
}
