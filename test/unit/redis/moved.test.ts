import { expect, it } from 'vitest';
import { makeAuthenticator } from '../../../src/bytes/authentic.ts';
import { nameOfKey } from '../../../src/ports/byte-cache.ts';
import { Moved } from '../../../src/redis/moved.ts';
import { connected, placeOf, type RedisServer, redisServer, until } from '../../support/redis.ts';

const subjectOf = (root: string) => nameOfKey(['moved', 'main', root]);

async function replica(server: RedisServer, { root = 'a root', secret = 1 } = {}) {
  const { connection } = await connected(placeOf(server));
  const asked: string[] = [];
  const time = { ms: 0 };
  const moved = new Moved({
    connection,
    prefix: 'verbatim',
    authenticator: makeAuthenticator(new Uint8Array(32).fill(secret), 'test'),
    subjects: new Map([['main', subjectOf(root)]]),
    onNewer: (index) => void asked.push(index),
    nowMs: () => time.ms,
  });
  return { moved, asked, time };
}

const listening = (server: RedisServer, count: number) =>
  until(async () => (await server.command('PUBSUB', 'NUMSUB', 'verbatim:moved')).includes(`:${count}\r\n`));

it('a newer version that one replica has makes the others look, once', async () => {
  const server = await redisServer();
  const [one, two] = [await replica(server), await replica(server)];
  await listening(server, 2);
  one.moved.tell('main', 7);
  await until(() => two.asked.length > 0);
  expect(two.asked).toEqual(['main']);
  expect(one.asked).toEqual([]);
});

it('what another root, another seal key or nobody sealed makes nobody look', async () => {
  const server = await redisServer();
  const strange = [await replica(server, { root: 'another' }), await replica(server, { secret: 2 })];
  const [one, two] = [await replica(server), await replica(server)];
  await listening(server, 4);
  for (const { moved } of strange) moved.tell('main', 9);
  await server.command('PUBLISH', 'verbatim:moved', `${'x'.repeat(32)}main\n99`);
  await server.command('PUBLISH', 'verbatim:moved', 'x'.repeat(100_000));
  one.moved.tell('main', 7);
  await until(() => two.asked.length > 0);
  expect(two.asked).toHaveLength(1);
});

it('an old message that is said again makes nobody look', async () => {
  const server = await redisServer();
  const { moved, asked, time } = await replica(server);
  const sealed = makeAuthenticator(new Uint8Array(32).fill(1), 'test');
  const message = (version: number) => sealed.seal(subjectOf('a root'), Buffer.from(`main\n${version}`));
  for (const version of [5, 5, 4, 6, 5, 6]) {
    time.ms += 500;
    moved.heard(message(version));
  }
  expect(asked).toHaveLength(2);
});

it('a flood of forged messages is looked into for a bounded part of each second, and ends with it', async () => {
  const server = await redisServer();
  const { moved, asked, time } = await replica(server);
  const sealed = makeAuthenticator(new Uint8Array(32).fill(1), 'test');
  const genuine = sealed.seal(subjectOf('a root'), Buffer.from('main\n5'));
  const forged = new Uint8Array(genuine).fill(0, 0, 8);
  for (let at = 0; at < 100_000; at++) moved.heard(forged);
  moved.heard(genuine);
  expect(asked).toEqual([]);
  time.ms += 1000;
  moved.heard(genuine);
  expect(asked).toEqual(['main']);
});
