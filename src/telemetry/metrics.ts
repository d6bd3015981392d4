import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Instant } from '../bytes/instant.ts';
import { type Event, QUEUES, ROUTES } from '../ports/events.ts';
import { createDurations } from './durations.ts';
import type { Row } from './event-table.ts';
import { type Label, oneOf } from './labels.ts';
import { createTally } from './tally.ts';

export interface StoreSizes {
  readonly bytes: number;
  readonly files: number;
  readonly limitBytes: number;
  /** Bytes counted for each. */
  readonly byIndex: ReadonlyMap<string, number>;
  /** Of downloads that were given up. */
  readonly partials: { readonly count: number; readonly bytes: number };
}

/** How one queue stands. `index`: whose it is; empty where all indexes share it. */
export interface QueueReport {
  readonly queue: (typeof QUEUES)[number];
  readonly index: string;
  readonly places: number;
  readonly busy: number;
  readonly waiting: number;
  /** Milliseconds. */
  readonly longestWait: number;
  /** Callers, by the index they asked. */
  readonly refused: ReadonlyMap<string, number>;
}

export interface ConnectionNumbers {
  readonly open: number;
  readonly limit: number;
  /** Since start, as the next. */
  readonly refused: number;
  readonly closedForRoom: number;
}

export interface Metrics {
  /** Registers a counter of events; what it returns counts one. */
  counted<E>(counter: Row<E>['counter']): (event: E) => void;
  /** What these say beyond that they happened: seconds, bytes, versions. */
  answered(event: Event<'answered'>): void;
  refreshed(event: Event<'refreshed'>): void;
  /** A log line withheld by its budget. */
  logWithheld(): void;
  /** Lines the log lost for want of a reader; read at each scrape. */
  watchLog(dropped: () => number): void;
  /** Read at each scrape. */
  watchStore(read: () => StoreSizes): void;
  /** Read at each scrape. */
  watchQueues(read: () => readonly QueueReport[]): void;
  watchConnections(read: () => ConnectionNumbers): void;
  /** What GET /metrics answers. */
  readonly exposition: { readonly contentType: string; text(): Promise<string> };
}

export interface MetricsOptions {
  /** The configured indexes: the only values of the label `index`. */
  readonly indexes: readonly string[];
  readonly version: string;
  /** False for tests, which need no process metrics. */
  readonly processMetrics?: boolean | undefined;
  /** Where they are kept; one of their own unless given. Those of several processes can be added up (prom-client's `aggregate`). */
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
    ...logMetrics(registry),
    watchStore: (read) => watchStore(registry, read, index),
    watchQueues: (read) => watchQueues(registry, read, (name) => (name === '' ? '' : index(name))),
    watchConnections: (read) => watchConnections(registry, read),
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

function watchConnections(registry: Registry, read: () => ConnectionNumbers): void {
  const registers = [registry];
  const name = (what: string) => `verbatim_connections_${what}`;
  new Gauge({
    name: name('open'),
    help: 'Connections of clients that are open.',
    registers,
    collect() {
      this.set(read().open);
    },
  });
  new Gauge({
    name: name('limit'),
    help: 'Connections that may be open.',
    registers,
    collect() {
      this.set(read().limit);
    },
  });
  new Counter({
    name: name('refused_total'),
    help: 'Connections refused for want of room, by how: turned away, or idle and closed for others (idle).',
    labelNames: ['how'],
    registers,
    collect() {
      const { refused, closedForRoom } = read();
      this.reset();
      this.inc({ how: 'refused' }, refused);
      this.inc({ how: 'idle' }, closedForRoom);
    },
  });
}

/** Several processes share one store: what one of them knows is not added up. */
function watchStore(registry: Registry, read: () => StoreSizes, indexOf: Label): void {
  const gauge = (name: string, help: string, value: (sizes: StoreSizes) => number) =>
    new Gauge({
      name: `verbatim_store_${name}`,
      help,
      registers: [registry],
      aggregator: 'max',
      collect() {
        this.set(value(read()));
      },
    });
  gauge('bytes', 'Bytes of proved files held.', (sizes) => sizes.bytes);
  gauge('files', 'Proved files held.', (sizes) => sizes.files);
  gauge('limit_bytes', 'Most bytes the store may hold.', (sizes) => sizes.limitBytes);
  gauge('partials', 'Downloads given up and kept to go on from.', (sizes) => sizes.partials.count);
  gauge('partial_bytes', 'Bytes of those.', (sizes) => sizes.partials.bytes);
  new Gauge({
    name: 'verbatim_store_index_bytes',
    help: 'Bytes of proved files counted for each index.',
    labelNames: ['index'],
    registers: [registry],
    aggregator: 'max',
    collect() {
      for (const [name, bytes] of read().byIndex) this.set({ index: indexOf(name) }, bytes);
    },
  });
}

/** Of several processes each has queues of its own: they are added up. */
function watchQueues(registry: Registry, read: () => readonly QueueReport[], indexOf: Label): void {
  const registers = [registry];
  const queueOf = oneOf(QUEUES);
  const labelNames = ['queue', 'index'];
  const gauge = (
    name: string,
    help: string,
    value: (report: QueueReport) => number,
    aggregator: 'sum' | 'max' = 'sum',
  ) =>
    new Gauge({
      name: `verbatim_queue_${name}`,
      help,
      labelNames,
      registers,
      aggregator,
      collect() {
        for (const report of read())
          this.set({ queue: queueOf(report.queue), index: indexOf(report.index) }, value(report));
      },
    });
  gauge('places', 'Most callers that a queue lets work at once.', ({ places }) => places);
  gauge('busy', 'Places taken.', ({ busy }) => busy);
  gauge('waiting', 'Callers that wait for a place.', ({ waiting }) => waiting);
  gauge(
    'longest_wait_seconds',
    'How long the one has waited that waits longest.',
    ({ longestWait }) => longestWait / 1000,
    'max',
  );
  new Counter({
    name: 'verbatim_queue_refused_total',
    help: 'Callers refused because a queue was full or they had waited too long, by the index they asked.',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { queue, refused } of read())
        for (const [name, count] of refused) this.inc({ queue: queueOf(queue), index: indexOf(name) }, count);
    },
  });
}
