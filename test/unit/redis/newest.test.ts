import { expect, it, onTestFinished } from 'vitest';
import type { Heard } from '../../../src/ports/newest.ts';
import { Newest } from '../../../src/redis/newest.ts';
import { connected, placeOf, type RedisServer, redisServer, until } from '../../support/redis.ts';

// Documents stand for signed ones: `v7`. Whatever else lies there proves to nobody.

const KEY = 'verbatim:newest:main of a root';

/** What it believes, as a signed document is believed: only one that proves, and none that is older. */
async function replica(server: RedisServer, { subject = 'main of a root', everyMs = 3_600_000 } = {}) {
  const { connection, events, emit } = await connected(placeOf(server));
  const own = { version: 0 };
  const judged: string[] = [];
  const hear = async (_: string, document: Uint8Array): Promise<Heard> => {
    const text = Buffer.from(document).toString();
    judged.push(text);
    const version = /^v(\d+)$/.exec(text)?.[1];
    if (version === undefined) return 'unproved';
    if (Number(version) < own.version) return 'older';
    believe(Number(version));
    return 'newer';
  };
  const subjects = new Map([['main', subject]]);
  const newest = new Newest({ connection, prefix: 'verbatim', subjects, mostBytes: 100, emit, hear, everyMs });
  onTestFinished(() => newest.close());
  const believe = (version: number) => {
    own.version = version;
    newest.offer('main', Buffer.from(`v${version}`));
  };
  return { newest, own, believe, judged, events, connection };
}

const there = async (server: RedisServer) => (await server.command('GET', KEY)).split('\r\n')[1];
const listening = (server: RedisServer, count: number) =>
  until(async () => (await server.command('PUBSUB', 'NUMSUB', 'verbatim:moved')).includes(`:${count}\r\n`));

it('what one replica believes is judged and believed by the others at once, without a look of their own', async () => {
  const server = await redisServer();
  const [one, two] = [await replica(server), await replica(server)];
  await listening(server, 2);
  one.believe(7);
  await until(() => two.own.version === 7);
  expect(one.judged).toEqual([]);
  expect(await there(server)).toBe('v7');
  expect(two.events.heard).toEqual([{ name: 'heard', index: 'main', what: 'timestamp', result: 'newer' }]);
});

it('what was said while nobody heard it is found by the next look', async () => {
  const server = await redisServer();
  const one = await replica(server);
  one.believe(7);
  await until(async () => (await there(server)) === 'v7');
  const two = await replica(server, { everyMs: 20 });
  await until(() => two.own.version === 7);
});

it('an older one does not take the place of a newer one, whoever writes last', async () => {
  const server = await redisServer();
  const [one, two] = [await replica(server), await replica(server)];
  await listening(server, 2);
  one.believe(9);
  await until(async () => (await there(server)) === 'v9');
  two.own.version = 0;
  two.newest.offer('main', Buffer.from('v5'));
  await until(() => two.own.version === 9);
  expect(await there(server)).toBe('v9');
});

it('one that was put back is found out by who knows a newer one, and gives way to that', async () => {
  const server = await redisServer();
  const one = await replica(server);
  one.believe(9);
  await until(async () => (await there(server)) === 'v9');
  await server.command('SET', KEY, 'v3');
  await one.newest.look('main');
  expect(await there(server)).toBe('v9');
  expect(one.own.version).toBe(9);
  expect(one.events.heard.at(-1)).toMatchObject({ result: 'older' });
});

it.each([
  ['forged', (server: RedisServer) => server.command('SET', KEY, 'v99, says nobody')],
  ['removed', (server: RedisServer) => server.command('FLUSHALL')],
  ['replaced by something huge', (server: RedisServer) => server.command('SETRANGE', KEY, '50000000', 'x')],
  ['replaced by something else', (server: RedisServer) => server.command('EVAL', REPLACED, '1', KEY)],
])('one that was %s gives way to what is believed here', async (_, change) => {
  const server = await redisServer();
  const one = await replica(server);
  one.believe(9);
  await until(async () => (await there(server)) === 'v9');
  await change(server);
  await one.newest.look('main');
  await until(async () => (await there(server)) === 'v9');
  expect(one.own.version).toBe(9);
});
const REPLACED = "redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], 'a', 'b')";

it('an older one gives way as soon as a server that took no writes takes them', async () => {
  const server = await redisServer();
  const one = await replica(server);
  one.believe(3);
  await until(async () => (await there(server)) === 'v3');
  await server.command('CONFIG', 'SET', 'maxmemory', '1');
  one.believe(9);
  await one.newest.look('main');
  expect(await there(server)).toBe('v3');
  await server.command('CONFIG', 'SET', 'maxmemory', '0');
  await one.newest.look('main');
  expect(await there(server)).toBe('v9');
});

it('what does not prove is judged once, and not at each look, where there is nothing to put in its place', async () => {
  const server = await redisServer();
  const one = await replica(server);
  await server.command('SET', KEY, 'no document');
  for (let looks = 0; looks < 5; looks++) await one.newest.look('main');
  expect(one.judged).toEqual(['no document']);
});

it('a replica of another root hears nothing of it', async () => {
  const server = await redisServer();
  const [one, other] = [await replica(server), await replica(server, { subject: 'main of another root' })];
  await listening(server, 2);
  one.believe(7);
  await until(async () => (await there(server)) === 'v7');
  await other.newest.look('main');
  expect(other.own.version).toBe(0);
});

it('a flood of words makes looks no more often than looks may follow on each other', async () => {
  const server = await redisServer();
  const one = await replica(server);
  await listening(server, 1);
  const asked = () => one.events.askedRedis.filter(({ command }) => command === 'GETRANGE').length;
  const begun = performance.now();
  const loop = "for i = 1, 20000 do redis.call('PUBLISH', 'verbatim:moved', 'main of a root') end";
  await server.command('EVAL', loop, '0');
  await until(() => asked() > 0);
  await one.newest.look('main');
  expect(asked()).toBeLessThanOrEqual(2 + (performance.now() - begun) / 50);
});
