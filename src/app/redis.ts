import type { Config } from '../config/config.ts';
import { secretVariable } from '../config/environment.ts';
import type { RedisConfig, RedisLoginConfig } from '../config/redis.ts';
import type { ByteCache } from '../ports/byte-cache.ts';
import type { Emit } from '../ports/events.ts';
import type { Lease } from '../ports/lease.ts';
import { RedisByteCache } from '../redis/byte-cache.ts';
import { RedisConnection } from '../redis/connection.ts';
import { RedisLease } from '../redis/lease.ts';
import type { RedisLogin, RedisPlace } from '../redis/options.ts';
import { readGiven } from './given-file.ts';
import { noPassword } from './passwords.ts';

/** What replicas share by one Redis. */
export interface SharedRedis {
  readonly cache: ByteCache;
  readonly isUp: boolean;
  /** Why it is away, in words; undefined while it is not. */
  readonly trouble: string | undefined;
  /** Who downloads into one place of blobs, which all who are asked about share: `place` names it. */
  leaseOver(place: string): Lease;
  close(): Promise<void>;
}

/** Where Redis is configured. It may be away: that is told, and the start goes on. Throws Refusal `state` where a password or an authority cannot be read. */
export async function openRedis({ redis }: Config, emit: Emit): Promise<SharedRedis | undefined> {
  if (redis === undefined) return undefined;
  const { prefix, tls, maxValue } = redis;
  const connection = new RedisConnection(
    {
      place: placeOf(redis),
      login: loginOf(redis.login),
      tls: tls && {
        ca: tls.ca === undefined ? undefined : readGiven(tls.ca, 'redis.tls.ca'),
        serverName: tls.serverName,
      },
    },
    emit,
  );
  await connection.start();
  const leases: RedisLease[] = [];
  return {
    cache: new RedisByteCache({ connection, prefix, maxValueBytes: maxValue }),
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
    async close() {
      for (const lease of leases) await lease.close();
      connection.close();
    },
  };
}

function placeOf({ place }: RedisConfig): RedisPlace {
  return place.mode === 'sentinel' ? { ...place, login: loginOf(place.login) } : place;
}

/** Read now, so that the start says what is not there, and again at each connection. */
function loginOf({ username, password }: RedisLoginConfig): RedisLogin {
  if (password === undefined) return { username, password: () => undefined };
  const { file, variable = '' } = password;
  const read = () =>
    (file === undefined ? secretVariable(variable) : readGiven(file, 'redis.password_file').toString())?.trim();
  let held = read();
  if (held === undefined || held === '') throw noPassword(file ?? `the variable ${variable}`);
  return {
    username,
    password() {
      try {
        // One that is being written is empty for a moment, or not there.
        held = read() || held;
      } catch {
        return held;
      }
      return held;
    },
  };
}
