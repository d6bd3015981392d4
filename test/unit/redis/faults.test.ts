import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeAuthenticator } from '../../../src/bytes/authentic.ts';
import { GuardedCache } from '../../../src/mirror/guarded-cache.ts';
import { nameOfKey } from '../../../src/ports/byte-cache.ts';
import { RedisByteCache } from '../../../src/redis/byte-cache.ts';
import { RedisLease } from '../../../src/redis/lease.ts';
import type { RedisOptions } from '../../../src/redis/options.ts';
import { busyFor } from '../../support/busy.ts';
import { ELSEWHERE, EXPIRED, GOOD, TEST_KEY } from '../../support/certificates.ts';
import { freePort } from '../../support/free-port.ts';
import { connected, placeOf, type RedisServer, redisServer, until } from '../../support/redis.ts';
import { scratch } from '../../support/volume-harness.ts';

// A Redis that is away, slow, full, wrong or hostile: a miss and a grant, after one bounded wait, and never an error.

const KEY = ['main', 'demo'];
const NAME = `verbatim:bytes:${nameOfKey(KEY)}`;
const VALUE = new Uint8Array(100).fill(7);
const LIMIT = 1000;
const never = new AbortController().signal;

async function replica(options: RedisOptions) {
  const { connection, events, emit } = await connected(options);
  const cache = new RedisByteCache({ connection, prefix: 'verbatim' });
  const lease = new RedisLease({ connection, prefix: 'verbatim', place: 'blobs', emit });
  onTestFinished(() => lease.close());
  const sets = () => events.askedRedis.filter(({ command }) => command === 'SET').length;
  return {
    connection,
    cache,
    lease,
    events,
    /** What came of the last command. */
    last: () => events.askedRedis.at(-1)?.outcome,
    async put() {
      const before = sets();
      cache.put(KEY, VALUE, 60);
      await until(() => sets() > before);
    },
  };
}

type Replica = Awaited<ReturnType<typeof replica>>;

/** Asked often, it gives nothing and grants everything, and of all commands but the first few none is sent. */
async function isAlone({ cache, lease, events }: Replica): Promise<void> {
  for (let at = 0; at < 100; at++) {
    expect(await cache.get(KEY, LIMIT)).toBeUndefined();
    cache.put(KEY, VALUE, 60);
    const taken = await lease.take(`file ${at}`);
    expect(taken.held).toBe(true);
    if (taken.held) await taken.release();
    await lease.ended('a file', never);
  }
  const sent = events.askedRedis.filter(({ outcome }) => outcome === 'unknown');
  expect(sent.length).toBeLessThanOrEqual(1);
}

async function works({ cache, lease }: Replica): Promise<void> {
  // A connection that has just come about may go once more: a server that became a master had refused on it.
  await until(async () => {
    cache.put(KEY, VALUE, 60);
    return (await cache.get(KEY, LIMIT)) !== undefined;
  });
  expect(await cache.get(KEY, LIMIT)).toEqual(Buffer.from(VALUE));
  const taken = await lease.take('a file');
  expect(taken.held).toBe(true);
  expect((await lease.take('a file')).held).toBe(false);
  if (taken.held) await taken.release();
}

describe('a Redis that is not there at the start', () => {
  it('is told of once, in words, and used when it comes', async () => {
    const server = await redisServer();
    await server.kill();
    const one = await replica(placeOf(server));
    expect(one.connection.trouble).toBe('nothing listens there');
    await isAlone(one);
    await until(() => one.events.redis.length > 0);
    await server.start();
    await works(one);
    expect(one.events.redis).toEqual([
      { name: 'redis', up: false, why: 'nothing listens there' },
      { name: 'redis', up: true },
    ]);
  });
});

interface Fault {
  readonly how: string;
  readonly args?: readonly string[];
  begin(server: RedisServer): unknown;
  end?(server: RedisServer): unknown;
}

const SILENCES: readonly Fault[] = [
  { how: 'is stopped', begin: (server) => server.stop(), end: (server) => server.goOn() },
  {
    how: 'sleeps',
    args: ['--enable-debug-command', 'yes'],
    begin: (server) => void server.command('DEBUG', 'SLEEP', '2').catch(() => undefined),
  },
  { how: 'pauses its clients', begin: (server) => server.command('CLIENT', 'PAUSE', '2000') },
  { how: 'is killed, and started again', begin: (server) => server.kill(), end: (server) => server.start() },
];

describe('a Redis that falls silent', () => {
  it.each(SILENCES)('and $how costs one wait, and none while it lasts', async ({ args = [], begin, end }) => {
    const server = await redisServer(...args);
    const one = await replica(placeOf(server));
    await works(one);
    await begin(server);
    // It begins when the server comes to it.
    await until(async () => (await one.cache.get(KEY, LIMIT)) === undefined);
    await isAlone(one);
    await end?.(server);
    await works(one);
  });

  it('may have taken a key before it did: that is given up by its token when it is back', async () => {
    const server = await redisServer();
    const [one, other] = [await replica(placeOf(server)), await replica(placeOf(server))];
    server.stop();
    const taken = await one.lease.take('a file');
    expect(taken.held).toBe(true);
    expect(one.last()).toBe('unknown');
    if (taken.held) await taken.release();
    server.goOn();
    await until(() => one.connection.isUp && other.connection.isUp);
    await other.lease.ended('a file', never);
    expect((await other.lease.take('a file')).held).toBe(true);
  });

  it('may have taken a key whose work still goes on: nobody else has it', async () => {
    const server = await redisServer();
    const [one, other] = [await replica(placeOf(server)), await replica(placeOf(server))];
    server.stop();
    await one.lease.take('a file');
    server.goOn();
    await until(() => one.connection.isUp && other.connection.isUp);
    await one.lease.renew();
    expect((await other.lease.take('a file')).held).toBe(false);
  });
});

describe('a Redis that refuses', () => {
  it('because it is full gives and grants what it can', async () => {
    const server = await redisServer('--maxmemory', '1mb', '--maxmemory-policy', 'noeviction');
    const one = await replica(placeOf(server));
    await server.command('SETRANGE', 'other', '1000000', 'x');
    await one.put();
    expect(one.last()).toBe('refused');
    expect(await one.cache.get(KEY, LIMIT)).toBeUndefined();
    expect((await one.lease.take('a file')).held).toBe(true);
    expect(one.events.leased).toEqual([{ name: 'leased', result: 'alone' }]);
    await server.command('CONFIG', 'SET', 'maxmemory', '100mb');
    await works(one);
  });

  it('because it became a replica is left for a new connection, and works when it is none', async () => {
    const [master, server] = [await redisServer(), await redisServer()];
    const one = await replica(placeOf(server));
    await server.command('REPLICAOF', '127.0.0.1', String(master.port));
    cacheless(await one.cache.get(KEY, LIMIT));
    await until(async () => (await one.lease.take('a file')).held && one.events.leased.at(-1)?.result === 'alone');
    await server.command('REPLICAOF', 'NO', 'ONE');
    await works(one);
  });

  it('because a key holds something else has nothing there', async () => {
    const server = await redisServer();
    const one = await replica(placeOf(server));
    await server.command('HSET', NAME, '__proto__', 'x');
    expect(await one.cache.get(KEY, LIMIT)).toBeUndefined();
    expect(one.last()).toBe('refused');
    await works(one);
  });
});

const cacheless = (value: Uint8Array | undefined) => expect(value).toBeUndefined();

describe('a Redis that asks who it is', () => {
  const SECRET = 'a-secret-word';

  it.each([
    ['nobody', undefined, undefined, 'it wants a password (redis.password_file, redis.password_env)'],
    ['a wrong password', undefined, 'wrong-word', 'it refuses the user name and password'],
    ['a wrong user', 'nobody', SECRET, 'it refuses the user name and password'],
  ])('and hears %s says so, and no secret', async (_, username, password, trouble) => {
    const server = await redisServer('--requirepass', SECRET);
    const login = { username, password: () => password };
    const one = await replica({ ...placeOf(server), login });
    await until(() => one.connection.trouble?.startsWith(trouble) === true);
    await isAlone(one);
    for (const secret of [SECRET, 'wrong-word']) expect(JSON.stringify(one.events)).not.toContain(secret);
  });

  it('takes a password that was written meanwhile at the next connection', async () => {
    const server = await redisServer('--requirepass', SECRET);
    const held = { password: 'wrong-word' };
    const one = await replica({ ...placeOf(server), login: { password: () => held.password } });
    expect(one.connection.isUp).toBe(false);
    held.password = SECRET;
    await works(one);
  });

  it('takes a user that may do no more than this needs', async () => {
    const server = await redisServer();
    const rights = [
      '~verbatim:*',
      '&verbatim:*',
      '+@read',
      '+@write',
      '+@connection',
      '+@scripting',
      '+@pubsub',
      '+info',
    ];
    await server.command('ACL', 'SETUSER', 'verbatim', 'on', `>${SECRET}`, 'resetkeys', ...rights);
    const one = await replica({ ...placeOf(server), login: { username: 'verbatim', password: () => SECRET } });
    await works(one);
    await until(() => one.connection.isUp);
  });
});

describe('a Redis that speaks TLS', () => {
  async function overTls(certificate: string, ca: string | undefined) {
    const directory = await scratch();
    const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    await writeFile(cert, certificate);
    await writeFile(key, TEST_KEY);
    const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
    const port = await freePort();
    await redisServer('--tls-port', String(port), '--tls-auth-clients', 'no', ...files);
    return replica({ ...placeOf({ port }), tls: { ca: ca === undefined ? undefined : Buffer.from(ca) } });
  }

  it('is used where its certificate is believed', async () => {
    await works(await overTls(GOOD, GOOD));
  });

  it.each([
    ['of nobody we know', GOOD, undefined],
    ['that has ended', EXPIRED, EXPIRED],
    ['of another name', ELSEWHERE, ELSEWHERE],
  ])('with a certificate %s is not used, and that is said', async (_, certificate, ca) => {
    const one = await overTls(certificate, ca);
    await until(() => one.connection.trouble === 'its certificate is not believed (redis.tls)');
    await isAlone(one);
  });

  it('or does not, where it should: that is said', async () => {
    const server = await redisServer();
    const one = await replica({ ...placeOf(server), tls: {} });
    await until(() => one.connection.trouble?.startsWith('no connection came about in time (TLS') === true);
    await isAlone(one);
  });
});

describe('a Redis that forgets', () => {
  it('has nothing, and its keys are taken again by who held them', async () => {
    const server = await redisServer();
    const [one, other] = [await replica(placeOf(server)), await replica(placeOf(server))];
    await one.put();
    await one.lease.take('a file');
    await server.command('FLUSHALL');
    expect(await one.cache.get(KEY, LIMIT)).toBeUndefined();
    await one.lease.renew();
    expect((await other.lease.take('a file')).held).toBe(false);
  });

  it('lets another take a key that was held: that is not prolonged, and not released', async () => {
    const server = await redisServer();
    const [one, other] = [await replica(placeOf(server)), await replica(placeOf(server))];
    const lost = await one.lease.take('a file');
    await server.command('FLUSHALL');
    await other.lease.take('a file');
    await one.lease.renew();
    expect(one.events.leased.at(-1)).toEqual({ name: 'leased', result: 'lost' });
    if (lost.held) await lost.release();
    expect((await one.lease.take('a file')).held).toBe(false);
  });
});

describe('whoever writes to Redis', () => {
  const authenticator = (secret: number) => makeAuthenticator(new Uint8Array(32).fill(secret), 'test');

  async function guarded() {
    const server = await redisServer();
    const { cache, events, put } = await replica(placeOf(server));
    const results = () => events.cached.map(({ result }) => result);
    const guard = (secret: number) =>
      new GuardedCache({
        index: 'main',
        cache,
        authenticator: authenticator(secret),
        emit: (event) => recorded(event),
      });
    const recorded = (event: { readonly name: string }) => void (event.name === 'cached' && seen.push(event));
    const seen: object[] = [];
    return { server, cache, put, guard, seen, results };
  }

  it.each<readonly [string, (server: RedisServer, name: string) => Promise<unknown>]>([
    ['forges a value', (server, name) => server.command('SET', name, 'x'.repeat(132))],
    ['changes a byte', (server, name) => server.command('SETRANGE', name, '50', '!')],
    [
      'cuts it short',
      (server, name) =>
        server.command('EVAL', "redis.call('SET', KEYS[1], redis.call('GETRANGE', KEYS[1], 0, 90))", '1', name),
    ],
    ['makes it longer', (server, name) => server.command('APPEND', name, '!')],
    [
      'puts another key’s value there',
      (server, name) =>
        server.command(
          'EVAL',
          "redis.call('SET', KEYS[1], redis.call('GET', ARGV[1]))",
          '1',
          name,
          `verbatim:bytes:${nameOfKey(['main', 'main', 'other'])}`,
        ),
    ],
  ])('and %s is not believed', async (_, change) => {
    const { server, guard, seen } = await guarded();
    const own = guard(1);
    own.put(KEY, VALUE, 60);
    own.put(['main', 'other'], VALUE, 60);
    const name = `verbatim:bytes:${nameOfKey(['main', ...KEY])}`;
    await until(
      async () =>
        (await server.command('EXISTS', name, `verbatim:bytes:${nameOfKey(['main', 'main', 'other'])}`)) === ':2\r\n',
    );
    expect((await own.get(KEY, LIMIT))?.bytes.length).toBe(VALUE.byteLength);
    await change(server, name);
    expect(await own.get(KEY, LIMIT)).toBeUndefined();
    expect(seen.at(-1)).toMatchObject({ tier: 'redis', result: 'refused' });
  });

  it('with another seal key is not believed', async () => {
    const { server, guard, seen } = await guarded();
    guard(2).put(KEY, VALUE, 60);
    await until(async () => (await server.command('DBSIZE')) === ':1\r\n');
    expect(await guard(1).get(KEY, LIMIT)).toBeUndefined();
    expect(seen).toMatchObject([{ tier: 'redis', result: 'refused' }]);
  });

  it('and puts something huge there has hardly any of it read', async () => {
    const server = await redisServer();
    const one = await replica(placeOf(server));
    await server.command('SETRANGE', NAME, '100000000', 'x');
    expect(await one.cache.get(KEY, LIMIT)).toBeUndefined();
    expect(one.events.askedRedis.map(({ command }) => command)).toEqual(['GETRANGE']);
    // Where so much might be meant, its length is asked for.
    expect(await one.cache.get(KEY, 10_000_000)).toBeUndefined();
    expect(one.events.askedRedis.map(({ command }) => command)).toEqual(['GETRANGE', 'GETRANGE', 'STRLEN']);
  });

  it.each([65_535, 65_536, 65_537, 1_000_000])('a value of %s bytes comes back as it was put there', async (size) => {
    const server = await redisServer();
    const one = await replica(placeOf(server));
    const value = Buffer.alloc(size, 'abc');
    one.cache.put(KEY, value, 60);
    await until(async () => (await server.command('EXISTS', NAME)) === ':1\r\n');
    expect(await one.cache.get(KEY, 2_000_000)).toEqual(value);
    expect(await one.cache.get(KEY, size)).toEqual(value);
    expect(await one.cache.get(KEY, size - 1)).toBeUndefined();
  });

  it('and tells of releases without end wakes nobody but who waits for that key', async () => {
    const server = await redisServer();
    const [one, other] = [await replica(placeOf(server)), await replica(placeOf(server))];
    await until(async () => (await server.command('PUBSUB', 'NUMSUB', 'verbatim:released')).includes(':2\r\n'));
    await one.lease.take('a file');
    const before = other.events.askedRedis.length;
    await server.command(
      'EVAL',
      "for i = 1, 100000 do redis.call('PUBLISH', 'verbatim:released', i) end return 1",
      '0',
    );
    expect(other.events.askedRedis.length).toBe(before);
    // The server may have been silent for so long that it is left alone for a while.
    await until(async () => other.connection.isUp && !(await other.lease.take('a file')).held);
  });

  it('and holds a key for ever makes it be waited for, and no more', async () => {
    const server = await redisServer();
    const one = await replica(placeOf(server));
    await server.command('SET', `verbatim:lease:${nameOfKey(['blobs', 'a file'])}`, 'x');
    expect(await one.lease.take('a file')).toEqual({ held: false, heldBy: undefined });
    const leaving = new AbortController();
    const waits = one.lease.ended('a file', leaving.signal);
    leaving.abort();
    await waits;
  });
});

it('a process that was busy for longer than Redis is waited for finds the answer that came meanwhile', async () => {
  const { lease, events } = await replica(placeOf(await redisServer()));
  const taken = lease.take('a file');
  busyFor(1000);
  expect(await taken).toMatchObject({ held: true, sure: true });
  expect(events.redis).toEqual([{ name: 'redis', up: true }]);
});
