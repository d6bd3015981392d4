import { describe, expect, it } from 'vitest';
import { NewsRecord } from '../../../../src/disk/records/news-record.ts';
import type { Event } from '../../../../src/ports/events.ts';
import { recordsOf, scratchDirectory } from '../state/rig.ts';

const refused = (thing: string, reason: Event<'rejected'>['reason'] = 'digest'): Event<'rejected'> => ({
  name: 'rejected',
  index: 'main',
  reason,
  subject: 'file',
  thing,
  message: `${thing} is other bytes`,
  at: 'upstream',
});
const signed = (versions: Readonly<Record<string, number>>): Event<'refreshed'> => ({
  name: 'refreshed',
  index: 'main',
  result: 'changed',
  seconds: 0,
  versions: new Map(Object.entries(versions)),
});

/** A record whose clock the test moves. */
async function start(root?: string) {
  const at = root ?? (await scratchDirectory());
  let now = 1000;
  const records = recordsOf(at);
  return {
    root: at,
    record: new NewsRecord(records, { now: () => now }),
    beside: new NewsRecord(records, { now: () => now }),
    later: (seconds: number) => {
      now += seconds;
    },
    close: () => records.close(),
  };
}

const things = async (record: NewsRecord) => (await record.latest()).map(({ at, thing }) => [at, thing]);

describe('what was refused', () => {
  it('is there at once, newest first, and the same again within ten minutes is one line', async () => {
    const { record, later } = await start();
    record.hear(refused('a'));
    record.hear(refused('a'));
    later(1);
    record.hear(refused('b'));
    record.hear(refused('a', 'length'));
    later(600);
    record.hear(refused('a'));
    expect(await things(record)).toEqual([
      [1601, 'a'],
      [1001, 'a'],
      [1001, 'b'],
      [1000, 'a'],
    ]);
    expect((await record.latest()).map(({ reason }) => reason)).toEqual(['digest', 'length', 'digest', 'digest']);
  });

  it('is what came and did not hold: neither that nothing came, nor what the journal tells', async () => {
    const { record } = await start();
    for (const reason of ['unreachable', 'slow', 'offline', 'unlisted', 'regressed'] as const)
      record.hear(refused('a', reason));
    expect(await record.latest()).toEqual([]);
  });

  it('is seen by every process on the directory, and by the next start', async () => {
    const first = await start();
    first.record.hear(refused('a'));
    await first.record.latest();
    expect(await things(first.beside)).toEqual([[1000, 'a']]);
    first.beside.hear(refused('b'));
    await first.beside.latest();
    expect(await things(first.record)).toEqual([
      [1000, 'b'],
      [1000, 'a'],
    ]);
    await first.record.close();
    await first.close();
    expect(await things((await start(first.root)).record)).toHaveLength(2);
  });

  it('has only so much room in memory, for the newest', async () => {
    const { record } = await start();
    for (let at = 0; at < 9000; at++) record.hear(refused(`thing-${at}`));
    const all = await record.latest();
    expect(all.length).toBeLessThan(4000);
    expect(all[0]?.thing).toBe('thing-8999');
  });
});

describe('when a signed list changed', () => {
  it('is when its version was first seen, also after a restart and beside another process', async () => {
    const first = await start();
    first.record.hear(signed({ root: 1, timestamp: 1 }));
    first.later(60);
    first.record.hear(signed({ root: 1, timestamp: 2 }));
    first.later(5);
    first.beside.hear(signed({ root: 1, timestamp: 2 }));
    expect(await first.record.changed('main', 'root', 1)).toBe(1000);
    expect(await first.record.changed('main', 'timestamp', 2)).toBe(1060);
    expect(await first.record.changed('main', 'timestamp', 3)).toBeUndefined();
    expect(await first.record.changed('other', 'root', 1)).toBeUndefined();
    await first.record.close();
    await first.beside.close();
    await first.close();
    const next = await start(first.root);
    next.later(1000);
    next.record.hear(signed({ root: 1, timestamp: 2 }));
    expect(await next.record.changed('main', 'root', 1)).toBe(1000);
    expect(await next.record.changed('main', 'timestamp', 2)).toBe(1060);
  });
});
