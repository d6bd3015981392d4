import { AggregatorRegistry, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { Events } from '../../../src/ports/events.ts';
import { createBound, createBudget } from '../../../src/telemetry/bound.ts';
import { createEvents, createRequestRecord } from '../../../src/telemetry/events.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMetrics, type FinishedRequest } from '../../../src/telemetry/metrics.ts';

function telemetry() {
  const lines: string[] = [];
  const metrics = createMetrics({ indexes: ['main'], version: '1.2.3', processMetrics: false });
  const log = createLog({ level: 'debug', format: 'json', sink: { write: (line) => lines.push(line) } });
  const series = async () =>
    (await metrics.exposition.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { metrics, log, events: createEvents(log, metrics), lines, series };
}

const refusal: Parameters<Events['rejected']>[0] = {
  index: 'main',
  reason: 'digest',
  subject: 'file',
  name: 'a-1.whl',
  message: 'Expected another digest.',
  at: 'upstream',
};

const finished: FinishedRequest = {
  route: 'page',
  method: 'GET',
  status: 200,
  reason: undefined,
  seconds: 0.1,
  bytes: 5,
  aborted: false,
};

describe('requests', () => {
  it('are counted by route, method and status', async () => {
    const { metrics, series } = telemetry();
    metrics.request(finished);
    metrics.request({ ...finished, method: 'TRACE', status: 405 });
    const found = await series();
    expect(found).toContain('verbatim_http_requests_total{route="page",method="GET",code="200"} 1');
    expect(found).toContain('verbatim_http_requests_total{route="page",method="other",code="405"} 1');
    expect(found).toContain('verbatim_http_response_bytes_total{route="page"} 10');
    expect(found).toContain('verbatim_http_request_duration_seconds_count{route="page"} 2');
  });

  it('are timed in buckets that take each other in', async () => {
    const { metrics, series } = telemetry();
    for (const seconds of [0.0004, 0.001, 0.3, 3600]) metrics.request({ ...finished, seconds });
    const found = await series();
    const bucket = (bound: string) => `verbatim_http_request_duration_seconds_bucket{le="${bound}",route="page"}`;
    expect(found.filter((line) => line.startsWith('verbatim_http_request_duration_seconds'))).toEqual([
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
    const { metrics, series } = telemetry();
    metrics.request({ ...finished, aborted: true });
    metrics.request({ ...finished, aborted: true, reason: 'digest' });
    const found = await series();
    expect(found).toContain('verbatim_http_aborted_responses_total{reason="client"} 1');
    expect(found).toContain('verbatim_http_aborted_responses_total{reason="digest"} 1');
  });

  it('are written at level debug, within a budget, and counted beyond it', async () => {
    const { metrics, log, lines, series } = telemetry();
    const record = createRequestRecord(log, metrics);
    for (let at = 0; at < 1_000; at++) record({ ...finished, path: '/simple/demo/' });
    expect(lines.length).toBeLessThan(200);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'debug',
      message: 'GET /simple/demo/ 200',
      route: 'page',
    });
    expect(await series()).toContain('verbatim_http_requests_total{route="page",method="GET",code="200"} 1000');
  });
});

describe('events', () => {
  it('a refusal is counted once and logged once, by reason', async () => {
    const { events, lines, series } = telemetry();
    events.rejected(refusal);
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
    const { events, lines, series } = telemetry();
    events.served({ index: 'main', kind: 'page', how: 'memory' });
    expect(await series()).toContain('verbatim_served_total{index="main",kind="page",how="memory"} 1');
    expect(lines).toEqual([]);
  });

  it('a refresh sets versions and expiry of top-level roles, and of no other', async () => {
    const { events, series } = telemetry();
    const versions = new Map([
      ['timestamp', 7],
      ['bins-0001', 3],
    ]);
    events.refreshed({
      index: 'main',
      result: 'changed',
      seconds: 0.2,
      versions,
      expires: new Map([['root', 1_900_000_000]]),
    });
    const found = await series();
    expect(found).toContain('verbatim_refresh_total{index="main",result="changed"} 1');
    expect(found).toContain('verbatim_tuf_role_version{index="main",role="timestamp"} 7');
    expect(found).toContain('verbatim_tuf_role_expires_timestamp_seconds{index="main",role="root"} 1900000000');
    expect(found.filter((line) => line.includes('bins'))).toEqual([]);
    expect(found.filter((line) => line.startsWith('verbatim_refresh_duration_seconds_count'))).toHaveLength(1);
  });

  it('a failed refresh is a warning and leaves versions as they were', async () => {
    const { events, lines, series } = telemetry();
    events.refreshed({ index: 'main', result: 'changed', seconds: 0.2, versions: new Map([['root', 2]]) });
    events.refreshed({ index: 'main', result: 'failed', seconds: 1 });
    expect(await series()).toContain('verbatim_tuf_role_version{index="main",role="root"} 2');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ level: 'warn', result: 'failed' });
  });

  it('a flood of refusals is counted in full and logged within its budget', async () => {
    const { events, lines, series } = telemetry();
    for (let at = 0; at < 10_000; at++) events.rejected({ ...refusal, at: 'client', name: `absent-${at}` });
    expect(await series()).toContain(
      'verbatim_rejected_total{index="main",reason="digest",subject="file",at="client"} 10000',
    );
    expect(lines.length).toBeLessThan(200);
    expect(await series()).toContain(`verbatim_log_dropped_total ${10_000 - lines.length}`);
  });
});

describe('series', () => {
  it('stay the same number whatever names, routes and methods come', async () => {
    const { metrics, events, series } = telemetry();
    const flood = () => {
      for (let at = 0; at < 5_000; at++) {
        events.served({ index: `index-${Math.random()}`, kind: 'file', how: 'disk' });
        events.rejected({ ...refusal, index: `index-${Math.random()}`, name: `${Math.random()}` });
        metrics.request({ ...finished, route: `/${Math.random()}`, method: `M${Math.random()}` });
      }
    };
    flood();
    const before = (await series()).length;
    flood();
    expect((await series()).length).toBe(before);
    expect(before).toBeLessThan(1_500);
  });

  it('survive quotes, backslashes and newlines in a label', async () => {
    const { metrics, series } = telemetry();
    metrics.request({ ...finished, route: 'a"b\\c\nd' });
    const found = await series();
    expect(found).toContain('verbatim_http_response_bytes_total{route="a\\"b\\\\c\\nd"} 5');
    expect(found).toContain('verbatim_http_request_duration_seconds_count{route="a\\"b\\\\c\\nd"} 1');
  });

  it('carry our prefix', async () => {
    const { metrics, series } = telemetry();
    metrics.watchStore(() => ({ bytes: 5, files: 1, limitBytes: 10 }));
    const found = await series();
    expect(found.every((line) => line.startsWith('verbatim_'))).toBe(true);
    expect(found).toContain('verbatim_store_bytes 5');
    expect(found).toContain(`verbatim_build_info{version="1.2.3",node="${process.version}"} 1`);
  });

  it('include those of the process', async () => {
    const { contentType, text } = createMetrics({ indexes: [], version: '0' }).exposition;
    expect(await text()).toMatch(/^process_resident_memory_bytes /m);
    expect(contentType).toMatch(/^text\/plain/);
  });
});

describe('two processes', () => {
  it('add up what each counted, and agree on what both know', async () => {
    const process = (version: number) => {
      const registry = new Registry();
      const metrics = createMetrics({ indexes: ['main'], version: '1', processMetrics: false, registry });
      metrics.request(finished);
      metrics.served('main', 'page', 'memory');
      metrics.rejected('main', 'digest', 'file', 'upstream');
      metrics.logWithheld();
      metrics.watchStore(() => ({ bytes: 5, files: 1, limitBytes: 10 }));
      metrics.refreshed({ index: 'main', result: 'changed', seconds: 0.2, versions: new Map([['root', version]]) });
      return registry.getMetricsAsJSON();
    };
    const both = AggregatorRegistry.aggregate([await process(3), await process(2)]);
    const lines = (await both.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
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
    expect(value('verbatim_store_bytes')).toBe('5');
    expect(lines.filter((line) => line.startsWith('verbatim_build_info')).map((line) => line.slice(-2))).toEqual([
      ' 1',
    ]);
  });
});

describe('bounds', () => {
  it('a label takes known values always and strangers while there is room', () => {
    const bound = createBound(2, ['a']);
    expect(['a', 'b', 'c', 'b', 'a'].map(bound)).toEqual(['a', 'b', 'other', 'b', 'a']);
  });

  it('a budget fills again with time, and says what it withheld', () => {
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
