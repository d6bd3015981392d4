import { Counter, Gauge, type Registry } from 'prom-client';
import { QUEUES } from '../ports/events.ts';
import { LEFT_OUT, type LeftOutReason } from '../ports/left-out.ts';
import { type Label, oneOf } from './labels.ts';

// What is read where it stands, at each scrape.

export interface StoreSizes {
  readonly bytes: number;
  readonly files: number;
  readonly limitBytes: number;
  /** Bytes counted for each. */
  readonly byIndex: ReadonlyMap<string, number>;
  /** Of downloads that were given up. */
  readonly partials: { readonly count: number; readonly bytes: number };
  /** Removed to make room, since the start. */
  readonly evicted: { readonly files: number; readonly bytes: number };
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

/** What the pages of one index leave out. */
export interface PageCounts {
  readonly index: string;
  readonly leftOut: ReadonlyMap<LeftOutReason, number>;
  /** Files listed on the evidence `first-sight`. */
  readonly firstSight: number;
  /** Files listed by the digest that a signed manifest names. */
  readonly byManifest: number;
  /** Files that are listed and cannot be fetched, by host. */
  readonly outOfReach: ReadonlyMap<string, number>;
  /** Projects and versions in quarantine by an operator's word. */
  readonly quarantined: number;
}

export interface ConnectionNumbers {
  readonly open: number;
  readonly limit: number;
  /** Since start, as the next. */
  readonly refused: number;
  readonly closedForRoom: number;
}

/** Of a server of several processes: how many are configured, and how many of them answer. */
export interface WorkerNumbers {
  readonly configured: number;
  readonly answering: number;
}

export function watchWorkers(registry: Registry, read: () => WorkerNumbers): void {
  const gauge = (name: string, help: string, value: (numbers: WorkerNumbers) => number) =>
    new Gauge({
      name: `verbatim_workers${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value(read()));
      },
    });
  gauge('', 'Processes that answer behind one port (server.workers).', ({ configured }) => configured);
  gauge('_answering', 'Processes behind one port that answer at this moment.', ({ answering }) => answering);
}

export function watchConnections(registry: Registry, read: () => ConnectionNumbers): void {
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
    help: 'Connections refused for want of room, by how: turned away (refused), or idle and closed for others (idle).',
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
export function watchStore(registry: Registry, read: () => StoreSizes, indexOf: Label): void {
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
  gauge('partials', 'Downloads given up and kept to go on from, beside the limit.', (sizes) => sizes.partials.count);
  gauge(
    'partial_bytes',
    'Bytes of downloads given up and kept to go on from, beside the limit.',
    (sizes) => sizes.partials.bytes,
  );
  const counter = (name: string, help: string, value: (sizes: StoreSizes) => number) =>
    new Counter({
      name: `verbatim_store_evicted_${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(value(read()));
      },
    });
  counter('files', 'Files removed to make room for others.', ({ evicted }) => evicted.files);
  counter('bytes', 'Bytes of files removed to make room for others.', ({ evicted }) => evicted.bytes);
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
export function watchQueues(registry: Registry, read: () => readonly QueueReport[], indexOf: Label): void {
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
  gauge('busy', 'Places of a queue that are taken.', ({ busy }) => busy);
  gauge('waiting', 'Callers that wait for a place in a queue.', ({ waiting }) => waiting);
  gauge(
    'longest_wait_seconds',
    'How long the caller has waited that waits longest for a place.',
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

/** Several processes over one directory draw the same pages: what one of them knows is not added up. */
export function watchPages(registry: Registry, indexOf: Label, read: () => Promise<readonly PageCounts[]>): void {
  new Gauge({
    name: 'verbatim_left_out_files',
    help: 'Files that upstream lists and the pages in force do not, by why (docs/trust.md).',
    labelNames: ['index', 'reason'],
    registers: [registry],
    aggregator: 'max',
    async collect() {
      for (const { index, leftOut } of await read())
        for (const reason of LEFT_OUT) this.set({ index: indexOf(index), reason }, leftOut.get(reason) ?? 0);
    },
  });
  new Gauge({
    name: 'verbatim_first_sight_files',
    help: 'Files that the pages in force list though upstream states no digest of them.',
    labelNames: ['index'],
    registers: [registry],
    aggregator: 'max',
    async collect() {
      for (const { index, firstSight } of await read()) this.set({ index: indexOf(index) }, firstSight);
    },
  });
  new Gauge({
    name: 'verbatim_carried_digest_files',
    help: 'Files that the pages in force list by the digest that the signed manifest of a bundle names: upstream states none of them.',
    labelNames: ['index'],
    registers: [registry],
    aggregator: 'max',
    async collect() {
      for (const { index, byManifest } of await read()) this.set({ index: indexOf(index) }, byManifest);
    },
  });
  new Gauge({
    name: 'verbatim_out_of_reach_files',
    help: 'Files that the pages in force list on hosts where this mirror may not go (file_hosts): asked for, they are refused as foreign.',
    labelNames: ['index'],
    registers: [registry],
    aggregator: 'max',
    async collect() {
      for (const { index, outOfReach } of await read())
        this.set(
          { index: indexOf(index) },
          [...outOfReach.values()].reduce((sum, files) => sum + files, 0),
        );
    },
  });
}

/** The processes of one directory keep the same from being served. */
export function watchQuarantine(registry: Registry, indexOf: Label, read: () => Promise<readonly PageCounts[]>): void {
  new Gauge({
    name: 'verbatim_quarantined_by_hand',
    help: "Projects and versions that are kept from being served by an operator's word (verbatim quarantine).",
    labelNames: ['index'],
    registers: [registry],
    aggregator: 'max',
    async collect() {
      for (const { index, quarantined } of await read()) this.set({ index: indexOf(index) }, quarantined);
    },
  });
}

export function watchRedis(registry: Registry, read: () => boolean): void {
  new Gauge({
    name: 'verbatim_redis_up',
    help: '1 while the Redis that replicas share answers; absent where none is configured.',
    registers: [registry],
    aggregator: 'min',
    collect() {
      this.set(read() ? 1 : 0);
    },
  });
}
