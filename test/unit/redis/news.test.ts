import { expect, it, onTestFinished } from 'vitest';
import { makeAuthenticator } from '../../../src/bytes/authentic.ts';
import { News } from '../../../src/redis/news.ts';
import { connected, placeOf, type RedisServer, redisServer, until } from '../../support/redis.ts';

const SUBJECT = 'a'.repeat(64);
const STREAM = `verbatim:news:${SUBJECT}`;

async function replica(server: RedisServer, { secret = 1, everyMs = 3_600_000 } = {}) {
  const { connection, events } = await connected(placeOf(server));
  const heard: string[] = [];
  const looks: string[] = [];
  const news = new News({
    connection,
    prefix: 'verbatim',
    authenticator: makeAuthenticator(new Uint8Array(32).fill(secret), 'test'),
    subjects: new Map([['main', SUBJECT]]),
    heard: (index, thing) => void heard.push(`${index} ${thing}`),
    looked: () => void looks.push('looked'),
    everyMs,
  });
  onTestFinished(() => news.close());
  await news.look('main');
  return { news, heard, looks, events };
}

const listening = (server: RedisServer, count: number) =>
  until(async () => (await server.command('PUBSUB', 'NUMSUB', 'verbatim:moved')).includes(`:${count}\r\n`));
const length = async (server: RedisServer) => Number(/:(\d+)/.exec(await server.command('XLEN', STREAM))?.[1]);

it('what one replica says the others hear at once, and itself does not', async () => {
  const server = await redisServer();
  const [one, two] = [await replica(server), await replica(server)];
  await listening(server, 2);
  one.news.tell('main', 'alpha', '1');
  await until(() => two.heard.length > 0);
  expect(two.heard).toEqual(['main alpha']);
  await one.news.look('main');
  expect(one.heard).toEqual([]);
});

it('what was said while the word of it was lost is heard by the next look, all of it', async () => {
  const server = await redisServer();
  const [one, two] = [await replica(server), await replica(server, { everyMs: 20 })];
  for (let at = 0; at < 1200; at++) one.news.tell('main', `project-${at}`, '1');
  await until(() => two.heard.length === 1200);
  expect(new Set(two.heard).size).toBe(1200);
});

it('what was said before a replica began is not news to it', async () => {
  const server = await redisServer();
  const one = await replica(server);
  one.news.tell('main', 'alpha', '1');
  await until(async () => (await length(server)) === 1);
  const two = await replica(server);
  one.news.tell('main', 'beta', '1');
  await until(async () => (await length(server)) === 2);
  await two.news.look('main');
  expect(two.heard).toEqual(['main beta']);
});

it('what anybody else wrote there is not even sent to who reads, however large it is', async () => {
  const server = await redisServer();
  const [one, two] = [await replica(server), await replica(server)];
  const large = 'x'.repeat(4_000_000);
  for (const fields of [
    ['m', large],
    [large, 'm'],
    ['m', '1', large, large],
  ])
    await server.command('XADD', STREAM, '*', ...fields);
  await one.news.tell('main', 'alpha', '1');
  expect(await length(server)).toBe(4);
  const sent = async () => Number(/total_net_output_bytes:(\d+)/.exec(await server.command('INFO', 'stats'))?.[1]);
  const before = await sent();
  await two.news.look('main');
  expect(two.heard).toEqual(['main alpha']);
  expect((await sent()) - before).toBeLessThan(1_000_000);
});

it('what is not sealed by one of us, or is said again, makes nobody look', async () => {
  const server = await redisServer();
  const [one, two, stranger] = [await replica(server), await replica(server), await replica(server, { secret: 2 })];
  stranger.news.tell('main', 'gamma', '1');
  await server.command('XADD', STREAM, '*', 'm', 'no seal');
  await server.command('XADD', STREAM, '*', 'm', 'x'.repeat(100_000));
  await server.command('XADD', STREAM, '*', 'other', '');
  one.news.tell('main', 'alpha', '1');
  await until(async () => (await length(server)) === 5);
  const again =
    "for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do redis.call('XADD', KEYS[1], '*', unpack(entry[2])) end";
  await server.command('EVAL', again, '1', STREAM);
  await two.news.look('main');
  await until(async () => {
    await two.news.look('main');
    return two.heard.length > 0;
  });
  await two.news.look('main');
  expect(two.heard).toEqual(['main alpha']);
});

it('after Redis was emptied, or its clock went back, what is said is heard all the same', async () => {
  const server = await redisServer();
  const [one, two] = [await replica(server), await replica(server)];
  one.news.tell('main', 'alpha', '1');
  await until(async () => (await length(server)) === 1);
  await two.news.look('main');
  await server.command('FLUSHALL');
  await server.command('XADD', STREAM, '5-1', 'm', 'of an earlier clock');
  await two.news.look('main');
  await server.command('XSETID', STREAM, '6-0');
  const sealed = makeAuthenticator(new Uint8Array(32).fill(1), 'test').seal(SUBJECT, Buffer.from('beta\n1'));
  expect(sealed.byteLength).toBeGreaterThan(32);
  await server.command('DEL', STREAM);
  await two.news.look('main');
  one.news.tell('main', 'gamma', '1');
  await until(() => two.heard.length === 2);
  expect(two.heard).toEqual(['main alpha', 'main gamma']);
});

it('a stream that holds something else is passed over, and whoever says something has it anew', async () => {
  const server = await redisServer();
  await server.command('SET', STREAM, 'no stream');
  const [one, two] = [await replica(server), await replica(server)];
  one.news.tell('main', 'alpha', '1');
  await two.news.look('main');
  expect(two.heard).toEqual([]);
  await server.command('DEL', STREAM);
  await until(async () => {
    one.news.tell('main', 'beta', '1');
    await two.news.look('main');
    return two.heard.length > 0;
  });
});
