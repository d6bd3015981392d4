import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { RedisByteCache } from '../../../src/redis/byte-cache.ts';
import { RedisLease } from '../../../src/redis/lease.ts';
import type { RedisOptions } from '../../../src/redis/options.ts';
import { connected, NOBODY, redisCluster, redisSentinel, redisServer, until } from '../../support/redis.ts';
import { scratch } from '../../support/volume-harness.ts';

// Several servers that belong together, and one of them lost.

const HOST = '127.0.0.1';
const VALUE = new Uint8Array(100).fill(7);
const KEYS = Array.from({ length: 30 }, (_, at) => ['main', `project ${at}`]);

async function user(options: RedisOptions) {
  const { connection, events, emit } = await connected(options);
  const cache = new RedisByteCache({ connection, prefix: 'verbatim' });
  const lease = new RedisLease({ connection, prefix: 'verbatim', place: 'blobs', emit });
  onTestFinished(() => lease.close());
  await until(() => connection.isUp);
  const held = async () => (await Promise.all(KEYS.map((key) => cache.get(key, 1000)))).filter((found) => found).length;
  const put = () => {
    for (const key of KEYS) cache.put(key, VALUE, 60);
  };
  return { connection, lease, events, held, put };
}

it('a cluster that loses a node gives what the others hold, and grants the rest', async () => {
  const nodes = await redisCluster(3);
  const place = { mode: 'cluster', nodes: nodes.map(({ port }) => ({ host: HOST, port })) } as const;
  const { lease, held, put } = await user({ place, login: NOBODY });
  put();
  await until(async () => (await held()) === KEYS.length);
  const taken = await lease.take('a file');
  expect((await lease.take('a file')).held).toBe(false);
  if (taken.held) await taken.release();
  await nodes[2]?.kill();
  await until(async () => {
    const left = await held();
    return left > 0 && left < KEYS.length;
  });
  for (let at = 0; at < 30; at++) {
    const each = await lease.take(`file ${at}`);
    expect(each.held).toBe(true);
    if (each.held) await each.release();
  }
});

it('behind Sentinel the next master is used when the last one is gone', async () => {
  const [master, replica] = [await redisServer(), await redisServer()];
  await replica.command('REPLICAOF', HOST, String(master.port));
  await until(async () => (await replica.command('INFO', 'replication')).includes('master_link_status:up'));
  const file = join(await scratch(), 'sentinel.conf');
  await writeFile(
    file,
    `sentinel monitor verbatim ${HOST} ${master.port} 1
sentinel down-after-milliseconds verbatim 500
sentinel failover-timeout verbatim 3000
`,
  );
  const sentinel = await redisSentinel(file);
  await until(async () => (await sentinel.command('SENTINEL', 'REPLICAS', 'verbatim')).includes(String(replica.port)));
  const { connection, held, put, events } = await user({
    place: {
      mode: 'sentinel',
      sentinels: [{ host: HOST, port: sentinel.port }],
      master: 'verbatim',
      database: 0,
      login: NOBODY,
    },
    login: NOBODY,
  });
  put();
  await until(async () => (await held()) === KEYS.length);
  await master.kill();
  await until(() => events.redis.some(({ up }) => !up));
  // A connection that has just come about may go once more.
  await until(async () => {
    if (connection.isUp) put();
    return (await held()) === KEYS.length;
  });
});
