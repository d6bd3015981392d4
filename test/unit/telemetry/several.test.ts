import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/ports/events.ts';
import { createEmit } from '../../../src/telemetry/events.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { type Readings, readAll, readTotals, SeveralProcesses } from '../../../src/telemetry/several.ts';

const SERVED: Event<'served'> = { name: 'served', index: 'main', kind: 'page', how: 'memory', seconds: 0 };
const SERVED_SERIES = 'verbatim_served_total{index="main",kind="page",how="memory"}';
const ANSWERED: Event<'answered'> = {
  name: 'answered',
  route: 'page',
  method: 'GET',
  status: 200,
  reason: undefined,
  seconds: 0.1,
  bytes: 5,
  aborted: false,
  path: '/simple/demo/',
  client: '192.0.2.1',
};

/** Gauges that are more the more processes there are; of any other the sum would be a lie. */
const ADDED_UP = [
  'nodejs_active_handles',
  'nodejs_active_requests',
  'nodejs_active_resources',
  'nodejs_external_memory_bytes',
  'nodejs_heap_size_total_bytes',
  'nodejs_heap_size_used_bytes',
  'nodejs_heap_space_size_available_bytes',
  'nodejs_heap_space_size_total_bytes',
  'nodejs_heap_space_size_used_bytes',
  'process_heap_bytes',
  'process_max_fds',
  'process_open_fds',
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'verbatim_bucket_waiting_files',
  'verbatim_connections_limit',
  'verbatim_connections_open',
  'verbatim_queue_busy',
  'verbatim_queue_places',
  'verbatim_queue_waiting',
  // Of the supervisor alone.
  'verbatim_workers',
  'verbatim_workers_answering',
];

function createProcess() {
  const registry = new Registry();
  const metrics = createMetrics({
    indexes: [{ name: 'main', evidence: 'tuf', refreshSeconds: 300 }],
    version: '1.2.3',
    registry,
  });
  const log = createLog({ level: 'error', format: 'json', sink: { write: () => undefined } });
  return { registry, metrics, emit: createEmit(log, metrics) };
}

const seriesOf = (text: string, series: string) =>
  text
    .split('\n')
    .find((line) => line.startsWith(`${series} `))
    ?.slice(series.length + 1);

/** As another process has them. */
const sent = (readings: Readings): Readings => structuredClone(readings);

describe('metrics of several processes', () => {
  it('are added up where each counts for itself', async () => {
    const several = new SeveralProcesses<string>();
    const now = new Map<string, Readings>();
    for (const [name, count] of Object.entries({ a: 2, b: 3 })) {
      const { emit, registry } = createProcess();
      for (let at = 0; at < count; at++) for (const event of [SERVED, ANSWERED]) emit(event);
      now.set(name, sent(await readAll(registry)));
      several.heard(name, sent(await readTotals(registry)));
    }
    const text = await several.text(now, []);
    expect(seriesOf(text, SERVED_SERIES)).toBe('5');
    expect(seriesOf(text, 'verbatim_http_request_duration_seconds_bucket{le="0.1",route="page"}')).toBe('5');
    expect(seriesOf(text, 'verbatim_http_request_duration_seconds_count{route="page"}')).toBe('5');
    expect(seriesOf(text, `verbatim_build_info{version="1.2.3",node="${process.version}"}`)).toBe('1');
    expect(text).toContain('# TYPE verbatim_http_request_duration_seconds histogram');
  });

  it('count on from what those counted that have ended, and whose gauges are nobody’s', async () => {
    const several = new SeveralProcesses<string>();
    const first = createProcess();
    first.metrics.watchConnections(() => ({ open: 4, limit: 10, refused: 1, closedForRoom: 0 }));
    for (const event of [SERVED, ANSWERED]) first.emit(event);
    several.heard('a', sent(await readTotals(first.registry)));
    several.ended('a');
    const second = createProcess();
    second.metrics.watchConnections(() => ({ open: 3, limit: 10, refused: 2, closedForRoom: 0 }));
    for (const event of [SERVED, ANSWERED]) second.emit(event);
    const all = sent(await readAll(second.registry));
    several.heard('a', all);
    const text = await several.text(new Map([['a', all]]), []);
    expect(seriesOf(text, SERVED_SERIES)).toBe('2');
    expect(seriesOf(text, 'verbatim_http_request_duration_seconds_count{route="page"}')).toBe('2');
    expect(seriesOf(text, 'verbatim_connections_refused_total{how="refused"}')).toBe('3');
    expect(seriesOf(text, 'verbatim_connections_open')).toBe('3');
    // The same again, of a second that ended: nothing is counted twice.
    several.ended('a');
    several.ended('a');
    expect(seriesOf(await several.text(new Map(), []), SERVED_SERIES)).toBe('2');
  });

  it('have the totals last heard of one that does not answer', async () => {
    const several = new SeveralProcesses<string>();
    const { emit, registry, metrics } = createProcess();
    metrics.watchConnections(() => ({ open: 4, limit: 10, refused: 1, closedForRoom: 0 }));
    emit(SERVED);
    several.heard('a', sent(await readAll(registry)));
    const text = await several.text(new Map(), []);
    expect(seriesOf(text, SERVED_SERIES)).toBe('1');
    expect(seriesOf(text, 'verbatim_connections_open')).toBeUndefined();
  });

  it('have no sum but of what is more the more processes there are', async () => {
    const { metrics, registry } = createProcess();
    const queue = { queue: 'fills', index: '', places: 4, busy: 3, waiting: 2, longestWait: 0 } as const;
    metrics.watchConnections(() => ({ open: 4, limit: 10, refused: 1, closedForRoom: 0 }));
    metrics.watchQueues(() => [{ ...queue, refused: new Map() }]);
    metrics.watchWorkers(() => ({ configured: 2, answering: 1 }));
    metrics.watchRedis(() => true);
    metrics.watchDisk(async () => []);
    metrics.watchKept(async () => []);
    metrics.watchPages(async () => []);
    metrics.watchStore(() => ({
      bytes: 5,
      files: 1,
      limitBytes: 10,
      byIndex: new Map(),
      partials: { count: 2, bytes: 3 },
      evicted: { files: 4, bytes: 6 },
    }));
    metrics.watchBucket(() => ({
      requests: [],
      hedges: 0,
      hedgesWon: 0,
      retries: 0,
      bytesIn: 0,
      bytesOut: 0,
      tierBytes: 1,
      waiting: 1,
      away: false,
    }));
    metrics.watchConditions(() => ({
      inForce: [],
      certificateEnds: undefined,
      clockAhead: new Map(),
      freeBytes: undefined,
      diskBytes: undefined,
      importAges: [],
    }));
    const summed = (await readAll(registry)).filter(({ type, aggregator }) => type === 'gauge' && aggregator === 'sum');
    expect(summed.map(({ name }) => name).sort()).toEqual(ADDED_UP);
  });

  it('say when the first of them began', async () => {
    const several = new SeveralProcesses<string>();
    const [early, late] = await Promise.all(
      [createProcess(), createProcess()].map(({ registry }) => readAll(registry)),
    );
    if (early === undefined || late === undefined) throw new Error('two were made');
    const began = (readings: Readings, value: number) =>
      readings.map((reading) =>
        reading.name === 'process_start_time_seconds' ? { ...reading, values: [{ labels: {}, value }] } : reading,
      );
    several.heard('a', late);
    const text = await several.text(new Map([['a', began(late, 20)]]), began(early, 10));
    expect(seriesOf(text, 'process_start_time_seconds')).toBe('10');
  });
});
