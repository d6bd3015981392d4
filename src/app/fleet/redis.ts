import { makeAuthenticator } from '../../bytes/authentic.ts';
import type { Config } from '../../config/config.ts';
import type { RedisConfig } from '../../config/redis.ts';
import type { ByteCache } from '../../ports/byte-cache.ts';
import type { Emit } from '../../ports/events.ts';
import type { Lease } from '../../ports/lease.ts';
import type { StateHints } from '../../ports/state-hints.ts';
import { RedisByteCache } from '../../redis/byte-cache.ts';
import { RedisConnection } from '../../redis/connection.ts';
import { RedisLease } from '../../redis/lease.ts';
import { StateNews } from '../../redis/state-news.ts';
import { sealingOf } from '../secrets.ts';
import { Beliefs } from './beliefs.ts';
import { connectionOf } from './redis-login.ts';

/** What replicas share by one Redis. */
export interface SharedRedis {
  readonly cache: ByteCache;
  readonly isUp: boolean;
  /** Why it is away, in words; undefined while it is not. */
  readonly trouble: string | undefined;
  /** Who downloads into one place of blobs, which all who are asked about share: `place` names it. */
  leaseOver(place: string): Lease;
  /** What replicas of a fleet tell each other when one of them has written, by a key that they share. */
  stateHints(sealKey: Uint8Array): StateHints;
  readonly beliefs: Beliefs;
  /** Called each time it went away or is there again. */
  watch(onTurn: () => void): void;
  close(): Promise<void>;
}

/** Redis may be away: that is told, and the start goes on. Throws Refusal `state` where a password or an authority cannot be read. */
export async function openRedis(config: Config, redis: RedisConfig, emit: Emit): Promise<SharedRedis> {
  const { prefix, maxValue } = redis;
  let onTurn = (): void => undefined;
  const connection = new RedisConnection(connectionOf(redis), (event) => {
    emit(event);
    if (event.name === 'redis') onTurn();
  });
  await connection.start();
  const leases: RedisLease[] = [];
  const cache = new RedisByteCache({ connection, prefix, maxValueBytes: maxValue });
  const beliefs = new Beliefs({ connection, cache, prefix, config, sealKey: sealingOf(config).sealKey, emit });
  return {
    cache,
    get isUp() {
      return connection.isUp;
    },
    get trouble() {
      return connection.trouble;
    },
    leaseOver(place) {
      const lease = new RedisLease({ connection, prefix, place, emit });
      leases.push(lease);
      return lease;
    },
    stateHints: (sealKey) =>
      new StateNews({ connection, prefix, authenticator: makeAuthenticator(sealKey, 'state was written') }),
    beliefs,
    watch(then) {
      onTurn = then;
    },
    async close() {
      await beliefs.close();
      for (const lease of leases) await lease.close();
      connection.close();
    },
  };
}
