import { within } from '../../async/timeout.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import type { Config } from '../../config/config.ts';
import { secretVariable } from '../../config/environment.ts';
import type { RedisConfig, RedisLoginConfig } from '../../config/redis.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { type ByteCache, nameOfKey } from '../../ports/byte-cache.ts';
import type { Emit } from '../../ports/events.ts';
import type { Lease } from '../../ports/lease.ts';
import { RedisByteCache } from '../../redis/byte-cache.ts';
import { RedisConnection } from '../../redis/connection.ts';
import { RedisLease } from '../../redis/lease.ts';
import { Newest, type NewestOptions } from '../../redis/newest.ts';
import type { RedisLogin, RedisPlace } from '../../redis/options.ts';
import { LIMITS } from '../../tuf/limits.ts';
import { readGiven } from '../given-file.ts';
import { noPassword } from '../passwords.ts';
import { readRoot } from '../pinned-root.ts';

/** What replicas share by one Redis. */
export interface SharedRedis {
  readonly cache: ByteCache;
  readonly isUp: boolean;
  /** Why it is away, in words; undefined while it is not. */
  readonly trouble: string | undefined;
  /** Who downloads into one place of blobs, which all who are asked about share: `place` names it. */
  leaseOver(place: string): Lease;
  /** This replica believes that timestamp of a signed index from now on. Returns at once. */
  believed(index: string, timestamp: Uint8Array): void;
  /** From now on other replicas have what these believe, and what others believe is looked into: at once, and before this resolves. */
  follow(indexes: readonly Pick<PackageIndex, 'name' | 'signed'>[]): Promise<void>;
  close(): Promise<void>;
}

/** A start waits so long for what other replicas believe. Milliseconds. */
const LOOK_AT_START_MS = 1000;

/** Redis may be away: that is told, and the start goes on. Throws Refusal `state` where a password or an authority cannot be read. */
export async function openRedis(config: Config, redis: RedisConfig, emit: Emit): Promise<SharedRedis> {
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
  let newest: Newest | undefined;
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
    believed: (index, timestamp) => newest?.offer(index, timestamp),
    async follow(indexes) {
      const signed = new Map(
        indexes.flatMap((index) => (index.signed === undefined ? [] : [[index.name, index.signed]])),
      );
      const subjects = subjectsOf(config);
      const hear: NewestOptions['hear'] = async (index, timestamp) =>
        (await signed.get(index)?.hear(timestamp)) ?? 'unusable';
      newest = new Newest({ connection, prefix, subjects, mostBytes: LIMITS.timestamp, emit, hear });
      for (const [index, { timestamp }] of signed) {
        if (timestamp !== undefined) newest.offer(index, timestamp);
        await within(LOOK_AT_START_MS, newest.look(index), undefined);
      }
    },
    async close() {
      await newest?.close();
      for (const lease of leases) await lease.close();
      connection.close();
    },
  };
}

/** By signed index: what names it, and the root that its replicas began with. */
function subjectsOf({ indexes }: Config): ReadonlyMap<string, string> {
  return new Map(
    Object.values(indexes).flatMap((index) =>
      index.evidence === 'tuf'
        ? [[index.name, nameOfKey(['newest', index.name, sha256Hex(readRoot(index.root))])]]
        : [],
    ),
  );
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
