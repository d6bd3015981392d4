import { describe, expect, it } from 'vitest';
import type { Events } from '../../../src/mirror/ports.ts';
import { createBound, createBudget } from '../../../src/telemetry/bound.ts';
import { createEvents } from '../../../src/telemetry/events.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

function telemetry() {
  const lines: string[] = [];
  const metrics = createMetrics({ indexes: ['main'], version: '1.2.3', processMetrics: false });
  const log = createLog({ level: 'debug', format: 'json', sink: { write: (line) => lines.push(line) } });
  const series = async () =>
    (await metrics.exposition()).body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { metrics, events: createEvents(log, metrics), lines, series };
}

const refusal: Parameters<Events['rejected']>[0] = {
  index: 'main',
  reason: 'digest',
  subject: 'file',
  name: 'a-1.whl',
  message: 'Expected another digest.',
  at: 'upstream',
};

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
        metrics.request({ route: `/${Math.random()}`, method: `M${Math.random()}`, code: 200, seconds: 0.1 });
        metrics.aborted(`${Math.random()}`);
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
    metrics.aborted('a"b\\c\nd');
    expect(await series()).toContain('verbatim_http_aborted_responses_total{reason="a\\"b\\\\c\\nd"} 1');
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
    const { body, contentType } = await createMetrics({ indexes: [], version: '0' }).exposition();
    expect(body).toMatch(/^process_resident_memory_bytes /m);
    expect(contentType).toMatch(/^text\/plain/);
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
