import { Registry } from 'prom-client';
import { expect, it, vi } from 'vitest';
import { AdvisoryAnswers } from '../../../src/app/advisories/answers.ts';
import { crowding, queuesOf } from '../../../src/app/queues.ts';
import { createShares } from '../../../src/async/shares.ts';
import { createEmit } from '../../../src/telemetry/events.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { ask, shout } from '../../support/ask.ts';
import { serve } from './serving.ts';

/** Of the one series with these labels. */
function sampleOf(text: string, labels: string): number {
  const line = text.split('\n').find((each) => each.includes(`{${labels}}`));
  return Number(line?.slice(line.lastIndexOf(' ')) ?? Number.NaN);
}

it('refuses who asks about advisories beyond places and queue, counts and tells that, and answers who waits', async () => {
  const registry = new Registry();
  const metrics = createMetrics({ indexes: [], version: '', processMetrics: false, registry });
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'json', sink: { write: (line) => lines.push(String(line)) } });
  const onCrowding = crowding(createEmit(log, metrics), '');
  const shares = createShares({ advisories: { places: 2, queue: 2 } }, { onCrowding });
  metrics.watchQueues(() => queuesOf('', shares).map(({ queue, index, gate }) => ({ queue, index, ...gate.report() })));
  const figure = async (name: string) =>
    sampleOf(await registry.getSingleMetricAsString(name), `queue="advisories",index=""`);
  const at = await serve({ listener: { advisories: new AdvisoryAnswers(undefined, shares) } });
  try {
    // A query whose body does not come holds its place.
    const body = '{}';
    const bodies: (() => void)[] = [];
    const head = `POST /v1/query HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    const waiting = Array.from({ length: 4 }, () =>
      shout(at.url, head, (socket) => void bodies.push(() => socket.write(body))),
    );
    await vi.waitFor(() => expect(shares.advisories.usage).toEqual({ busy: 2, waiting: 2 }), { timeout: 30_000 });
    for (const path of ['/v1/query', '/v1/querybatch']) {
      const answer = await ask(at.url, path, { method: 'POST', body: '{}' });
      expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([503, 14]);
      expect(answer.headers).toMatchObject({ connection: 'close', 'retry-after': expect.stringMatching(/^[1-9]/) });
    }
    expect(at.finished.map(({ reason }) => reason)).toEqual(['limit', 'limit']);
    expect(await figure('verbatim_queue_refused_total')).toBe(2);
    expect(await figure('verbatim_queue_waiting')).toBe(2);
    for (const send of bodies) send();
    for (const heard of await Promise.all(waiting)) expect(heard.text).toContain('This mirror has no advisories');
    const told = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'queue');
    expect(told).toMatchObject([
      { level: 'warn', queue: 'advisories' },
      { level: 'info', queue: 'advisories' },
    ]);
  } finally {
    await at.close();
  }
});
