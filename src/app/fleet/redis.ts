import { internalCaller } from '../../async/caller.ts';
import { makeAuthenticator } from '../../bytes/authentic.ts';
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
import { Moved } from '../../redis/moved.ts';
import type { RedisLogin, RedisPlace } from '../../redis/options.ts';
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
  /** The same, and other replicas hear of new signed metadata. */
  telling(emit: Emit): Emit;
  /** Has an index look for new metadata when another replica has some; with a seal key, which replicas have in common. */
  follow(indexes: readonly Pick<PackageIndex, 'name' | 'introduce'>[], sealKey: Uint8Array | undefined): void;
  close(): Promise<void>;
}

/** Where Redis is configured. It may be away: that is told, and the start goes on. Throws Refusal `state` where a password or an authority cannot be read. */
export async function openRedis(config: Config, emit: Emit): Promise<SharedRedis | undefined> {
  const { redis } = config;
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
  let moved: Moved | undefined;
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
    telling: (others) => (event) => {
      others(event);
      if (event.name !== 'refreshed') return;
      const version = event.versions?.get('timestamp');
      if (version !== undefined) moved?.tell(event.index, version);
    },
    follow(indexes, sealKey) {
      if (sealKey === undefined) return;
      const authenticator = makeAuthenticator(sealKey, 'metadata has moved');
      const onNewer = (name: string) =>
        void indexes.find((index) => index.name === name)?.introduce(internalCaller(name));
      moved = new Moved({ connection, prefix, authenticator, subjects: subjectsOf(config), onNewer });
    },
    async close() {
      for (const lease of leases) await lease.close();
      connection.close();
    },
  };
}

/** By signed index: what names it, and the root that its replicas began with. */
function subjectsOf({ indexes }: Config): ReadonlyMap<string, string> {
  return new Map(
    Object.values(indexes).flatMap((index) =>
      index.evidence === 'tuf' ? [[index.name, nameOfKey(['moved', index.name, sha256Hex(readRoot(index.root))])]] : [],
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
