import { onTestFinished } from 'vitest';
import { RedisByteCache } from '../../src/redis/byte-cache.ts';
import { RedisLease } from '../../src/redis/lease.ts';
import { LEASE_RENEWED_MS, LEASE_TERM_MS } from '../../src/redis/limits.ts';
import { connected, placeOf, type RedisServer, redisServer, until } from '../support/redis.ts';
import { byteCacheContract, type MakeByteCache, MOST } from './byte-cache.ts';
import { LEASE_CASES, leaseContract, SHARED_LEASE_CASES, type SharedLeaseRig } from './lease.ts';

/** Everything in it ends so much sooner. */
async function age(server: RedisServer, milliseconds: number): Promise<void> {
  await server.command(
    'EVAL',
    `for _, key in ipairs(redis.call('KEYS', '*')) do
       redis.call('PEXPIRE', key, math.max(0, redis.call('PTTL', key) - ARGV[1]))
     end
     return 1`,
    '0',
    String(milliseconds),
  );
}

const cacheOnRedis: MakeByteCache = async () => {
  const server = await redisServer();
  const { connection, events } = await connected(placeOf(server));
  let puts = 0;
  const cache = new RedisByteCache({ connection, prefix: 'verbatim', maxValueBytes: MOST });
  return {
    cache: {
      tier: cache.tier,
      get: (key, limit) => cache.get(key, limit),
      put(key, value, seconds) {
        if (value.byteLength <= MOST) puts++;
        cache.put(key, value, seconds);
      },
    },
    settle: () => until(() => events.askedRedis.filter(({ command }) => command === 'SET').length === puts),
    pass: (seconds) => age(server, seconds * 1000),
  };
};

byteCacheContract('Redis', cacheOnRedis);

async function leaseOnRedis(): Promise<SharedLeaseRig> {
  const server = await redisServer();
  const party = async () => {
    const { connection, emit } = await connected(placeOf(server));
    const lease = new RedisLease({ connection, prefix: 'verbatim', place: 'blobs', emit });
    onTestFinished(() => lease.close());
    return { connection, lease };
  };
  const [one, other] = [await party(), await party()];
  // Both hear what is released.
  await until(async () => (await server.command('PUBSUB', 'NUMSUB', 'verbatim:released')).includes(':2\r\n'));
  const alive = new Set([one, other]);
  let sinceRenewal = 0;
  return {
    lease: one.lease,
    another: other.lease,
    term: LEASE_TERM_MS / 1000,
    die: () => void alive.delete(other),
    async pass(seconds) {
      for (let second = 0; second < seconds; second++) {
        await age(server, 1000);
        sinceRenewal += 1000;
        if (sinceRenewal < LEASE_RENEWED_MS) continue;
        sinceRenewal = 0;
        for (const { lease } of alive) await lease.renew();
      }
    },
    async setReachable(reachable) {
      if (!reachable) return server.stop();
      server.goOn();
      await until(() => one.connection.isUp && other.connection.isUp);
    },
  };
}

leaseContract('Redis', LEASE_CASES, leaseOnRedis);
leaseContract('Redis', SHARED_LEASE_CASES, leaseOnRedis);
