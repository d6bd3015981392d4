import { expect, it, onTestFinished } from 'vitest';
import { openRedis } from '../../../../src/app/fleet/redis.ts';
import { refusalHappening } from '../../../../src/app/web/words.ts';
import { Refusal } from '../../../../src/bytes/refusal.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import { createReports } from '../../../../src/mirror/projects/reports.ts';
import { StorageError } from '../../../../src/ports/blob-storage.ts';
import type { Event } from '../../../../src/ports/events.ts';
import { createClock, START } from '../../../support/clock.ts';
import { redisServer, until } from '../../../support/redis.ts';

// What an operator is told of a fault, and that it is told when it happens.

it('that Redis went away, or is there again, is known to whoever watches it', async () => {
  const server = await redisServer();
  const config = loadConfig({ env: { VERBATIM_REDIS: `redis://127.0.0.1:${server.port}` } });
  if (config.redis === undefined) throw new Error('no Redis is configured');
  const redis = await openRedis(config, config.redis, () => undefined);
  onTestFinished(() => redis.close());
  await until(() => redis.isUp);
  const turns: (string | undefined)[] = [];
  redis.watch(() => queueMicrotask(() => turns.push(redis.trouble)));
  await server.kill();
  await until(() => turns.length > 0);
  expect(turns[0]).toMatch(/\w/);
  await server.start();
  await until(() => turns.at(-1) === undefined);
});

it('what could not be kept on a full disk is no fault of upstream', () => {
  const told: Event<'rejected'>[] = [];
  const reports = createReports({
    index: 'main',
    emit: (event) => void (event.name === 'rejected' && told.push(event)),
    journal: { note() {} },
    clock: createClock(),
  });
  const full = new Refusal('limit', 'full', { cause: new StorageError('full', 'full'), transient: true });
  reports.refused({ subject: 'file', name: 'alpha-1.0.tar.gz' }, full);
  reports.refused({ subject: 'file', name: 'beta-1.0.tar.gz' }, new Refusal('limit', 'too large'));
  const [here, there] = told.map((each) => refusalHappening({ ...each, at: START, from: each.at }));
  expect(told.map(({ at }) => at)).toEqual(['disk', 'upstream']);
  expect([here?.says, here?.next]).toEqual([
    expect.stringContaining('This machine had no room for it'),
    expect.stringContaining('VerbatimDiskFull.md'),
  ]);
  expect(there?.says).toContain('larger than the limits');
});
