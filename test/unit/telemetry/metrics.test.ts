import { AggregatorRegistry, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { type Event, type EventName, ROUTES } from '../../../src/ports/events.ts';
import { createBudget } from '../../../src/telemetry/budget.ts';
import { EVENTS } from '../../../src/telemetry/event-table.ts';
import { createEmit } from '../../../src/telemetry/events.ts';
import { createLog, type Level } from '../../../src/telemetry/log.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

function telemetry(level: Level = 'debug') {
  const lines: string[] = [];
  const registry = new Registry();
  const metrics = createMetrics({
    indexes: [{ name: 'main', evidence: 'tuf', refreshSeconds: 300 }],
    version: '1.2.3',
    processMetrics: false,
    registry,
  });
  const log = createLog({ level, format: 'json', sink: { write: (line) => lines.push(line) } });
  const series = async () =>
    (await metrics.exposition.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { metrics, emit: createEmit(log, metrics), lines, series, registry };
}

const rejected: Event<'rejected'> = {
  name: 'rejected',
  index: 'main',
  reason: 'digest',
  subject: 'file',
  thing: 'a-1.whl',
  message: 'Expected another digest.',
  at: 'upstream',
};

const answered: Event<'answered'> = {
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

const refreshed: Event<'refreshed'> = { name: 'refreshed', index: 'main', result: 'changed', seconds: 0.2 };

/** One of each name. */
const EACH: { readonly [N in EventName]: Event<N> } = {
  rejected,
  served: { name: 'served', index: 'main', kind: 'page', how: 'memory', seconds: 0 },
  askedUpstream: {
    name: 'askedUpstream',
    index: 'main',
    host: 'files',
    outcome: 'answered',
    isAnswered: true,
    seconds: 0.02,
  },
  changed: { name: 'changed', index: 'main', project: 'demo', kind: 'yanked' },
  stale: { name: 'stale', index: 'main', state: 'refused', thing: 'demo', message: 'refused' },
  stoodIn: { name: 'stoodIn', index: 'main', kind: 'file' },
  silence: { name: 'silence', index: 'main', silent: true },
  hostSilence: { name: 'hostSilence', index: 'main', host: 'index.example', silent: true },
  cached: { name: 'cached', index: 'main', tier: 'disk', result: 'hit' },
  redis: { name: 'redis', up: false, why: 'nothing listens there' },
  askedRedis: { name: 'askedRedis', command: 'SET', outcome: 'away' },
  leased: { name: 'leased', result: 'granted' },
  peered: { name: 'peered', result: 'proved' },
  peerAsked: { name: 'peerAsked', result: 'refused' },
  heard: { name: 'heard', index: 'main', what: 'timestamp', result: 'newer' },
  fleet: { name: 'fleet', index: 'main', step: 'cut', entry: 2048, bytes: 4096, removed: 1023 },
  refreshed,
  leftOut: {
    name: 'leftOut',
    index: 'main',
    project: 'demo',
    leftOut: new Map([['no-digest', 2]]),
    firstSight: 1,
    byManifest: 0,
    outOfReach: new Map(),
  },
  ruled: {
    name: 'ruled',
    index: 'main',
    project: 'demo',
    rule: 'minimum age',
    action: 'hide',
    files: 2,
    why: 'demo-1.0.tar.gz is young.',
  },
  sighted: { name: 'sighted', index: 'main', project: 'demo', file: 'demo-1.0.tar.gz', result: 'pinned', sha256: 'ab' },
  lookedAhead: { name: 'lookedAhead', index: 'main', kind: 'file', result: 'looked', bytes: 7 },
  noted: { name: 'noted', index: 'main', message: 'something', detail: { count: 2 } },
  answered,
  crowded: { name: 'crowded', full: true, party: '192.0.2.1', held: 9, limit: 10 },
  faulted: { name: 'faulted', at: 'answer', error: new Error('a defect') },
  queued: {
    name: 'queued',
    index: 'main',
    queue: 'downloads',
    largest: { index: 'main', party: '192.0.2.1', busy: 3, waiting: 9 },
  },
  letGo: { name: 'letGo', index: 'main', project: 'demo' },
  stateRoom: { name: 'stateRoom', index: 'main', room: 'full', bytes: 9, limit: 10 },
  condition: { name: 'condition', index: 'main', what: 'clock', thing: '', message: 'wrong', begins: true },
  synced: {
    name: 'synced',
    index: 'main',
    job: 'nightly',
    result: 'missing',
    seconds: 3.4,
    fetched: 2,
    bytes: 10,
    notAsked: 4,
    missing: 1,
    refused: 0,
    why: 'nowhere: no such project',
  },
  provenance: {
    name: 'provenance',
    index: 'main',
    project: 'mill',
    file: 'mill-1.0-py3-none-any.whl',
    result: 'refused',
    why: 'it is about another file',
  },
  gone: { name: 'gone', index: 'main', project: 'alpha', kind: 'files', files: 2, seconds: 700, servedOn: false },
  lookedThrough: { name: 'lookedThrough', index: 'main', asked: 3, failed: 1, seconds: 9, why: 'it is away' },
  scrubbed: { name: 'scrubbed', files: 3, bytes: 10, damaged: 1, seconds: 5 },
  fetchedAgain: {
    name: 'fetchedAgain',
    index: 'main',
    project: 'alpha',
    file: 'a.whl',
    sha256: 'aa',
    result: 'failed',
    why: 'x',
  },
  worker: { name: 'worker', worker: 1, pid: 7, ended: { why: '(SIGKILL)', again: 0 } },
  reloaded: { name: 'reloaded', read: ['the certificate'] },
};
const LEVELS: readonly (Level | undefined)[] = ['debug', 'info', 'warn', 'error', undefined];

describe('every event', () => {
  it.each(Object.values(EACH))('$name has a counter, a word and a level', async (event) => {
    const { emit, lines, series } = telemetry();
    const { counter, word, level } = rowOf(event);
    expect(counter.name).toMatch(/^verbatim_[a-z_]+_total$/);
    expect(LEVELS).toContain(level);
    const counted = async () =>
      (await series()).filter((line) => line.startsWith(`${counter.name}{`)).map((line) => line.split(' ').at(-1));
    const before = await counted();
    expect(new Set(before)).toEqual(new Set(['0']));
    emit(event);
    emit(event);
    expect((await counted()).filter((value) => value !== '0')).toEqual(['2']);
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      level === undefined ? [] : Array(2).fill(expect.objectContaining({ level, event: word })),
    );
  });

  it('has a name, a counter and a word of its own', () => {
    const rows = Object.values(EVENTS);
    expect(Object.keys(EACH).sort()).toEqual(Object.keys(EVENTS).sort());
    for (const all of [rows.map(({ counter }) => counter.name), rows.map(({ word }) => word)])
      expect(new Set(all).size).toBe(rows.length);
  });

  it.each(Object.values(EVENTS))('counted as $counter.name has closed labels', ({ counter: { labels } }) => {
    for (const label of Object.values(labels))
      if (label !== 'index')
        expect(['', 'strange', '/simple/x/', '99999', '\n'].map(label)).toEqual(Array(5).fill('other'));
  });

  it('is not written below the log’s level, and counted all the same', async () => {
    const { emit, lines, series } = telemetry('error');
    for (const event of Object.values(EACH)) emit(event);
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['fault', 'worker']);
    expect(await series()).toContain('verbatim_log_dropped_total 0');
  });
});

function rowOf(event: Event) {
  const read = <N extends EventName>(one: Event<N>) => {
    const row = EVENTS[one.name];
    return { counter: row.counter, word: row.word, level: row.level(one) };
  };
  return read(event);
}

it('what is looked ahead is counted in bytes, too', async () => {
  const { emit, series } = telemetry();
  emit(EACH.lookedAhead);
  emit({ ...EACH.lookedAhead, result: 'absent', bytes: 0 });
  emit({ ...EACH.lookedAhead, kind: 'page', bytes: 3 });
  expect((await series()).filter((line) => line.startsWith('verbatim_look_ahead_bytes'))).toEqual([
    'verbatim_look_ahead_bytes_total{index="main",result="looked"} 10',
  ]);
});

describe('queues', () => {
  const standing = { places: 4, busy: 3, waiting: 2, longestWait: 1500, refused: new Map([['main', 7]]) };

  it('are read at each scrape, by index where they have one', async () => {
    const { metrics, series } = telemetry();
    metrics.watchQueues(() => [
      { queue: 'fills', index: '', ...standing },
      { queue: 'downloads', index: 'main', ...standing, busy: 1, refused: new Map() },
    ]);
    const queues = (await series()).filter(
      (line) => line.startsWith('verbatim_queue_') && !line.startsWith('verbatim_queue_changes'),
    );
    expect(queues).toEqual([
      'verbatim_queue_places{queue="fills",index=""} 4',
      'verbatim_queue_places{queue="downloads",index="main"} 4',
      'verbatim_queue_busy{queue="fills",index=""} 3',
      'verbatim_queue_busy{queue="downloads",index="main"} 1',
      'verbatim_queue_waiting{queue="fills",index=""} 2',
      'verbatim_queue_waiting{queue="downloads",index="main"} 2',
      'verbatim_queue_longest_wait_seconds{queue="fills",index=""} 1.5',
      'verbatim_queue_longest_wait_seconds{queue="downloads",index="main"} 1.5',
      'verbatim_queue_refused_total{queue="fills",index="main"} 7',
    ]);
  });

  it('tell who holds most when they are full, and that they have room again', () => {
    const { emit, lines } = telemetry();
    emit(EACH.queued);
    emit({ ...EACH.queued, largest: undefined });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 'warn', queue: 'downloads', party: '192.0.2.1', busy: 3, waiting: 9 }),
      expect.objectContaining({ level: 'info', index: 'main', queue: 'downloads' }),
    ]);
  });
});

describe('answers', () => {
  it('are counted by route, method and status', async () => {
    const { emit, series } = telemetry();
    emit(answered);
    emit({ ...answered, method: 'other', status: 405 });
    const found = await series();
    expect(found).toContain('verbatim_http_requests_total{route="page",method="GET",code="200"} 1');
    expect(found).toContain('verbatim_http_requests_total{route="page",method="other",code="405"} 1');
    expect(found).toContain('verbatim_http_response_bytes_total{route="page"} 10');
    expect(found).toContain('verbatim_http_request_duration_seconds_count{route="page"} 2');
  });

  it('are timed in buckets that take each other in', async () => {
    const { emit, series } = telemetry();
    for (const seconds of [0.0004, 0.001, 0.3, 3600]) emit({ ...answered, seconds });
    const found = await series();
    const bucket = (bound: string) => `verbatim_http_request_duration_seconds_bucket{le="${bound}",route="page"}`;
    const shown = found.filter((line) => /^verbatim_http_request_duration_seconds.*route="page"/.test(line));
    expect(shown).toEqual([
      `${bucket('0.001')} 2`,
      `${bucket('0.005')} 2`,
      `${bucket('0.025')} 2`,
      `${bucket('0.1')} 2`,
      `${bucket('0.5')} 3`,
      `${bucket('2')} 3`,
      `${bucket('10')} 3`,
      `${bucket('60')} 3`,
      `${bucket('+Inf')} 4`,
      `verbatim_http_request_duration_seconds_sum{route="page"} ${0.0004 + 0.001 + 0.3 + 3600}`,
      'verbatim_http_request_duration_seconds_count{route="page"} 4',
    ]);
  });

  it('that were cut are counted by whose doing it was', async () => {
    const { emit, series } = telemetry();
    emit({ ...answered, aborted: true });
    emit({ ...answered, aborted: true, reason: 'digest' });
    const found = await series();
    expect(found).toContain('verbatim_http_aborted_responses_total{reason="client"} 1');
    expect(found).toContain('verbatim_http_aborted_responses_total{reason="digest"} 1');
  });

  it('are written at level debug, within a budget, and counted beyond it', async () => {
    const { emit, lines, series } = telemetry();
    for (let at = 0; at < 1_000; at++) emit(answered);
    expect(lines.length).toBeLessThan(200);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'debug',
      message: 'GET /simple/demo/ 200',
      route: 'page',
      event: 'request',
    });
    expect(await series()).toContain('verbatim_http_requests_total{route="page",method="GET",code="200"} 1000');
  });
});

describe('what happens to the mirror', () => {
  it('a refusal is counted once and logged once, by reason', async () => {
    const { emit, lines, series } = telemetry();
    emit(rejected);
    expect(await series()).toContain(
      'verbatim_rejected_total{index="main",reason="digest",subject="file",at="upstream"} 1',
    );
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        level: 'warn',
        event: 'rejected',
        index: 'main',
        reason: 'digest',
        subject: 'file',
        name: 'a-1.whl',
        at: 'upstream',
      }),
    ]);
  });

  it('serving is counted and not logged', async () => {
    const { emit, lines, series } = telemetry();
    emit({ name: 'served', index: 'main', kind: 'page', how: 'memory', seconds: 0 });
    expect(await series()).toContain('verbatim_served_total{index="main",kind="page",how="memory"} 1');
    expect(lines).toEqual([]);
  });

  it('a refresh sets versions and expiry of top-level roles, and of no other', async () => {
    const { emit, series } = telemetry();
    const versions = new Map([
      ['timestamp', 7],
      ['bins-0001', 3],
    ]);
    emit({ ...refreshed, versions, expires: new Map([['root', 1_900_000_000]]) });
    const found = await series();
    expect(found).toContain('verbatim_refresh_total{index="main",result="changed"} 1');
    expect(found).toContain('verbatim_tuf_role_version{index="main",role="timestamp"} 7');
    expect(found).toContain('verbatim_tuf_role_expires_timestamp_seconds{index="main",role="root"} 1900000000');
    expect(found.filter((line) => line.includes('bins'))).toEqual([]);
    expect(found.filter((line) => line.startsWith('verbatim_refresh_duration_seconds_count'))).toHaveLength(1);
  });

  it('a failed refresh is a warning and leaves versions as they were', async () => {
    const { emit, lines, series } = telemetry();
    emit({ ...refreshed, versions: new Map([['root', 2]]) });
    emit({ ...refreshed, result: 'failed' });
    expect(await series()).toContain('verbatim_tuf_role_version{index="main",role="root"} 2');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ level: 'warn', result: 'failed' });
  });

  it('a flood of refusals is counted in full and logged within its budget, which is not that of others', async () => {
    const { emit, lines, series } = telemetry();
    for (let at = 0; at < 10_000; at++) emit({ ...rejected, at: 'client', thing: `absent-${at}` });
    expect(await series()).toContain(
      'verbatim_rejected_total{index="main",reason="digest",subject="file",at="client"} 10000',
    );
    expect(lines.length).toBeLessThan(200);
    expect(await series()).toContain(`verbatim_log_dropped_total ${10_000 - lines.length}`);
    emit(EACH.noted);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ event: 'note', message: 'something', count: 2 });
  });

  it('a reload that failed is an error, and says that nothing was changed', () => {
    const { emit, lines } = telemetry();
    emit({ name: 'reloaded', read: [], error: new Error('no such file') });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', message: 'nothing was changed: no such file' });
  });
});

describe('series', () => {
  it('stay the same number whatever index is named, and whatever is asked', async () => {
    const { emit, series } = telemetry();
    const flood = () => {
      for (let at = 0; at < 5_000; at++) {
        emit({ name: 'served', index: `index-${Math.random()}`, kind: 'file', how: 'disk', seconds: 0.1 });
        emit({ ...rejected, index: `index-${Math.random()}`, thing: `${Math.random()}` });
        emit({ ...answered, route: ROUTES[at % ROUTES.length] ?? 'none', path: `/${Math.random()}` });
      }
    };
    flood();
    const before = (await series()).length;
    flood();
    expect((await series()).length).toBe(before);
    expect(before).toBeLessThan(1_500);
  });

  it('carry our prefix', async () => {
    const { metrics, series } = telemetry();
    metrics.watchStore(() => ({
      bytes: 5,
      files: 1,
      limitBytes: 10,
      byIndex: new Map([['main', 5]]),
      partials: { count: 2, bytes: 3 },
      evicted: { files: 4, bytes: 6 },
    }));
    const found = await series();
    expect(found.every((line) => line.startsWith('verbatim_'))).toBe(true);
    expect(found).toContain('verbatim_store_bytes 5');
    expect(found).toContain('verbatim_store_index_bytes{index="main"} 5');
    expect(found).toContain(`verbatim_build_info{version="1.2.3",node="${process.version}"} 1`);
  });

  it('of the disk are read at each scrape, by part', async () => {
    const { metrics, series } = telemetry();
    let bytes = 1;
    metrics.watchDisk(async () => [
      { part: 'state', index: 'main', bytes },
      { part: 'records', index: '', bytes: 7 },
    ]);
    bytes = 5;
    expect((await series()).filter((line) => line.startsWith('verbatim_disk_'))).toEqual([
      'verbatim_disk_bytes{part="state",index="main"} 5',
      'verbatim_disk_bytes{part="records",index=""} 7',
    ]);
  });

  it('of connections are read at each scrape', async () => {
    const { metrics, series } = telemetry();
    let open = 1;
    metrics.watchConnections(() => ({ open, limit: 10, refused: 3, closedForRoom: 2 }));
    open = 4;
    const shown = (await series()).filter((line) => /^verbatim_connections_(?!crowded)/.test(line));
    expect(shown).toEqual([
      'verbatim_connections_open 4',
      'verbatim_connections_limit 10',
      'verbatim_connections_refused_total{how="refused"} 3',
      'verbatim_connections_refused_total{how="idle"} 2',
    ]);
  });

  it('include those of the process', async () => {
    const { contentType, text } = createMetrics({ indexes: [], version: '0' }).exposition;
    expect(await text()).toMatch(/^process_resident_memory_bytes /m);
    expect(contentType).toMatch(/^text\/plain/);
  });

  it('of two processes add up where each counted for itself, and agree on what both know', async () => {
    const readings = await Promise.all(
      [3, 2].map(async (version) => {
        const { emit, metrics, registry } = telemetry();
        for (const event of [answered, EACH.served, rejected]) emit(event);
        metrics.logWithheld();
        metrics.watchStore(() => ({
          bytes: 5,
          files: 1,
          limitBytes: 10,
          byIndex: new Map([['main', 5]]),
          partials: { count: 2, bytes: 3 },
          evicted: { files: 4, bytes: 6 },
        }));
        const refused = new Map([['main', version]]);
        metrics.watchQueues(() => [
          { queue: 'fills', index: '', places: 4, busy: 3, waiting: 2, longestWait: version * 1000, refused },
        ]);
        emit({ ...refreshed, versions: new Map([['root', version]]) });
        return registry.getMetricsAsJSON();
      }),
    );
    const lines = (await AggregatorRegistry.aggregate(readings).metrics()).split('\n');
    const value = (start: string) => lines.find((line) => line.startsWith(`${start} `))?.slice(start.length + 1);
    expect(value('verbatim_http_requests_total{route="page",method="GET",code="200"}')).toBe('2');
    expect(value('verbatim_http_request_duration_seconds_bucket{le="0.1",route="page"}')).toBe('2');
    expect(value('verbatim_http_request_duration_seconds_sum{route="page"}')).toBe('0.2');
    expect(value('verbatim_http_request_duration_seconds_count{route="page"}')).toBe('2');
    expect(value('verbatim_http_response_bytes_total{route="page"}')).toBe('10');
    expect(value('verbatim_served_total{index="main",kind="page",how="memory"}')).toBe('2');
    expect(value('verbatim_rejected_total{index="main",reason="digest",subject="file",at="upstream"}')).toBe('2');
    expect(value('verbatim_log_dropped_total')).toBe('2');
    expect(value('verbatim_refresh_duration_seconds_count{index="main"}')).toBe('2');
    expect(value('verbatim_tuf_role_version{index="main",role="root"}')).toBe('3');
    expect(value('verbatim_queue_waiting{queue="fills",index=""}')).toBe('4');
    expect(value('verbatim_queue_longest_wait_seconds{queue="fills",index=""}')).toBe('3');
    expect(value('verbatim_queue_refused_total{queue="fills",index="main"}')).toBe('5');
    expect(value('verbatim_store_bytes')).toBe('5');
    expect(value(`verbatim_build_info{version="1.2.3",node="${process.version}"}`)).toBe('1');
  });
});

describe('a budget', () => {
  it('fills again with time, and says what it withheld', () => {
    let seconds = 0;
    const budget = createBudget({ burst: 2, perSecond: 1, now: () => seconds });
    const taken = () => budget.take()?.withheld;
    expect([taken(), taken(), taken(), taken()]).toEqual([0, 0, undefined, undefined]);
    seconds = 1;
    expect(taken()).toBe(2);
    seconds = 0;
    expect(taken()).toBeUndefined();
  });
});
