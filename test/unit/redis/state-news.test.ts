import { expect, it } from 'vitest';
import { makeAuthenticator } from '../../../src/bytes/authentic.ts';
import { StateNews } from '../../../src/redis/state-news.ts';
import { connected, placeOf, type RedisServer, redisServer, until } from '../../support/redis.ts';

const CHANNEL = 'verbatim:state';

async function replica(server: RedisServer, secret = 'a secret that replicas share') {
  const { connection } = await connected(placeOf(server));
  const time = { ms: 0 };
  const authenticator = makeAuthenticator(Buffer.from(secret), 'state was written');
  const news = new StateNews({ connection, prefix: 'verbatim', authenticator, nowMs: () => time.ms });
  const heard: string[] = [];
  news.listen((index) => void heard.push(index));
  return { news, heard, time };
}

const listening = (server: RedisServer, count: number) =>
  until(async () => (await server.command('PUBSUB', 'NUMSUB', CHANNEL)).includes(`:${count}\r\n`));

it('what one replica has written the others hear of, and itself does not', async () => {
  const server = await redisServer();
  const [one, two] = [await replica(server), await replica(server)];
  await listening(server, 2);
  for (let written = 0; written < 50; written++) one.news.tell('main');
  one.news.tell('other');
  await until(() => two.heard.length === 2);
  expect(two.heard.toSorted()).toEqual(['main', 'other']);
  two.news.tell('main');
  await until(() => one.heard.length === 1);
  expect(one.heard).toEqual(['main']);
});

it('who has another key, or none, is not heard', async () => {
  const server = await redisServer();
  const [one, strange] = [await replica(server), await replica(server, 'the secret of somebody else')];
  await listening(server, 2);
  strange.news.tell('main');
  await server.command('PUBLISH', CHANNEL, 'main');
  await server.command('PUBLISH', CHANNEL, 'x'.repeat(5000));
  const sister = await replica(server);
  await listening(server, 3);
  sister.news.tell('end');
  await until(() => one.heard.includes('end'));
  expect(one.heard).toEqual(['end']);
});

it('a flood of forgeries costs a bounded number of looks at them a second', async () => {
  const server = await redisServer();
  const [one, sister] = [await replica(server), await replica(server)];
  await listening(server, 2);
  for (let forged = 0; forged < 2000; forged++) one.news.heard(Buffer.alloc(100, forged));
  sister.news.tell('main');
  // Within the same second nothing more is looked into, and the next look of the replica makes up for it.
  await until(async () => (await server.command('INFO', 'commandstats')).includes('cmdstat_publish'));
  expect(one.heard).toEqual([]);
  one.time.ms += 1000;
  sister.news.tell('main');
  await until(() => one.heard.length > 0);
});
