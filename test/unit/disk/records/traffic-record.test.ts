import { afterEach, describe, expect, it, vi } from 'vitest';
import { TRAFFIC_EVERY_MS } from '../../../../src/disk/limits.ts';
import { NewsRecord } from '../../../../src/disk/records/news-record.ts';
import { TrafficRecord } from '../../../../src/disk/records/traffic-record.ts';
import type { Event } from '../../../../src/ports/events.ts';
import { recordsOf, scratchDirectory } from '../state/rig.ts';

const served = (how: Event<'served'>['how'], index = 'main'): Event<'served'> => ({
  name: 'served',
  index,
  kind: 'page',
  how,
  seconds: 0,
});
const askedUpstream = (outcome: Event<'askedUpstream'>['outcome']): Event<'askedUpstream'> => ({
  name: 'askedUpstream',
  index: 'main',
  host: 'index',
  outcome,
  isAnswered: outcome === 'answered',
  seconds: 0,
});
const rejected = (reason: Event<'rejected'>['reason']): Event<'rejected'> => ({
  name: 'rejected',
  index: 'main',
  reason,
  subject: 'file',
  thing: 'a',
  message: '',
  at: 'upstream',
});

/** Two processes of a server, whose clock the test moves. */
async function start(root?: string) {
  const at = root ?? (await scratchDirectory());
  let now = 7200;
  const records = recordsOf(at);
  const options = { now: () => now };
  return {
    root: at,
    records,
    record: new TrafficRecord(records, options),
    beside: new TrafficRecord(records, options),
    later: (seconds: number) => {
      now += seconds;
    },
  };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('how much was answered and asked', () => {
  it('is counted by the hour: what was held, what was fetched, how upstream did, and what did not hold', async () => {
    const { record, later } = await start();
    for (const how of ['memory', 'disk', 'upstream'] as const) record.hear(served(how));
    for (const outcome of ['answered', 'slow', 'busy', 'left'] as const) record.hear(askedUpstream(outcome));
    for (const reason of ['digest', 'unreachable'] as const) record.hear(rejected(reason));
    later(3599);
    record.hear(served('memory'));
    later(1);
    record.hear(served('upstream'));
    expect(await record.hours()).toEqual([{ at: 10_800, here: 3, upstream: 2, answered: 1, failed: 2, refused: 1 }]);
  });

  it('is told of one index, or of all together', async () => {
    const { record } = await start();
    record.hear(served('memory'));
    record.hear(served('memory', 'other'));
    expect(await record.hours('other')).toMatchObject([{ at: 7200, here: 1 }]);
    expect(await record.hours()).toMatchObject([{ at: 7200, here: 2 }]);
    expect(await record.hours('nobody')).toEqual([]);
  });

  it('is that of all processes, and what was written is there after a start', async () => {
    const { record, beside, records, root, later } = await start();
    record.hear(served('memory'));
    await record.hours();
    later(3600);
    beside.hear(served('disk'));
    await beside.close();
    expect(await record.hours()).toMatchObject([
      { at: 7200, here: 1 },
      { at: 10_800, here: 1 },
    ]);
    await record.close();
    await records.close();
    const again = await start(root);
    expect(await again.record.hours()).toHaveLength(2);
  });

  it('is written down once in five minutes though nobody looks', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const { record, beside } = await start();
    record.hear(served('memory'));
    expect(await beside.hours()).toEqual([]);
    vi.advanceTimersByTime(TRAFFIC_EVERY_MS);
    await record.close();
    expect(await beside.hours()).toMatchObject([{ here: 1 }]);
  });

  it('is forgotten after a week', async () => {
    const { record, later } = await start();
    record.hear(served('memory'));
    expect(await record.hours()).toHaveLength(1);
    later(8 * 86_400);
    expect(await record.hours()).toEqual([]);
  });

  it('lies among the news, which pass it over, and passes those over', async () => {
    const { record, records } = await start();
    const news = new NewsRecord(records, { now: () => 7200 });
    news.hear(rejected('digest'));
    record.hear(rejected('digest'));
    expect(await record.hours()).toMatchObject([{ refused: 1 }]);
    expect(await news.latest()).toHaveLength(1);
  });
});
