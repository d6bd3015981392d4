import { Cluster, Redis } from 'ioredis';
import { CONNECT_MS, READONLY_APART_MS, RETRY_MS, SILENT_MS } from './limits.ts';
import type { RedisLogin, RedisNode, RedisOptions, RedisTls } from './options.ts';
import { replyCode } from './trouble.ts';

export type Client = Redis | Cluster;

/**
 * A client that is not connected yet. It keeps no command for later and sends none twice: what could not be sent fails at once, and what was
 * not answered is the caller's to judge. A connection that says nothing while something is asked is cut (`socketTimeout`): a
 * time limit of commands alone would leave the dead one in place.
 */
export function createClient(options: RedisOptions): Client {
  return options.place.mode === 'cluster' ? clusterOf(options, options.place.nodes) : redisOf(options, options.place);
}

type Single = Exclude<RedisOptions['place'], { readonly mode: 'cluster' }>;

function redisOf({ login, tls }: RedisOptions, place: Single): Redis {
  const client: Redis = new Redis({
    ...shared(tls),
    ...whereOf(place, tls),
    ...loginOf(login),
    db: place.database,
    enableOfflineQueue: false,
    lazyConnect: true,
    retryStrategy(times: number) {
      const password = login.password();
      if (password !== undefined) client.options.password = password;
      return pause(times);
    },
  });
  return client;
}

function whereOf(place: Single, tls: RedisTls | undefined) {
  if (place.mode === 'standalone') return place.node;
  const { sentinels, master, login } = place;
  const { username, password } = loginOf(login);
  return {
    sentinels: [...sentinels],
    name: master,
    role: 'master' as const,
    // Told of a failover by Sentinel itself: a master that lost its place may still answer.
    failoverDetector: true,
    sentinelRetryStrategy: pause,
    sentinelCommandTimeout: CONNECT_MS,
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tlsOf(tls) }),
  };
}

function clusterOf({ login, tls }: RedisOptions, nodes: readonly RedisNode[]) {
  return new Cluster([...nodes], {
    enableOfflineQueue: false,
    lazyConnect: true,
    clusterRetryStrategy: pause,
    // A node that went away is looked for among those that are left.
    slotsRefreshTimeout: CONNECT_MS,
    slotsRefreshInterval: 5000,
    retryDelayOnFailover: RETRY_MS.first,
    retryDelayOnClusterDown: RETRY_MS.first,
    retryDelayOnTryAgain: RETRY_MS.first,
    maxRedirections: 3,
    redisOptions: {
      ...shared(tls),
      ...loginOf(login),
    },
  });
}

function shared(tls: RedisTls | undefined) {
  let leftAt = Number.NEGATIVE_INFINITY;
  return {
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    socketTimeout: SILENT_MS,
    connectTimeout: CONNECT_MS,
    keepAlive: 5000,
    maxLoadingRetryTime: RETRY_MS.most,
    disableClientInfo: true,
    // After a failover by hand the connection leads to what is a replica now.
    reconnectOnError(error: Error): false | 1 {
      const now = performance.now();
      if (replyCode(error) !== 'READONLY' || now - leftAt < READONLY_APART_MS) return false;
      leftAt = now;
      return 1;
    },
    ...(tls === undefined ? {} : { tls: tlsOf(tls) }),
  };
}

function tlsOf({ ca, serverName }: RedisTls) {
  return {
    ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

/** As whom, in the client's names. */
function loginOf({ username, password }: RedisLogin) {
  const secret = password();
  return {
    ...(username === undefined ? {} : { username }),
    ...(secret === undefined ? {} : { password: secret }),
  };
}

function pause(times: number): number {
  return Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** Math.min(times, 10));
}
