import { expect, it } from 'vitest';
import { SealedPages } from '../../../src/app/fleet/sealed-pages.ts';
import { makeAuthenticator } from '../../../src/bytes/authentic.ts';
import { GuardedCache } from '../../../src/mirror/guarded-cache.ts';
import type { PageContent } from '../../../src/ports/index-state.ts';
import { RedisByteCache } from '../../../src/redis/byte-cache.ts';
import { News } from '../../../src/redis/news.ts';
import { connected, placeOf, redisServer, until } from '../../support/redis.ts';

// What others may not have heard is known to be untold, and is told again.

const SUBJECT = 'a'.repeat(64);
const AUTHENTICATOR = makeAuthenticator(new Uint8Array(32).fill(1), 'test');
const PAGE: PageContent = {
  project: 'alpha',
  bytes: Buffer.from('{"meta":{"api-version":"1.1"},"name":"alpha","files":[]}'),
  contentType: 'application/vnd.pypi.simple.v1+json',
  url: 'https://pypi.example/simple/alpha/',
  etag: undefined,
  serial: 5,
  seenSerial: 5,
  fetchedAt: 2_000_000_000,
  confirmedAt: 2_000_000_000,
  twice: false,
  fetch: 'ours',
};

async function replica() {
  const server = await redisServer();
  const { connection, emit, events } = await connected(placeOf(server));
  await until(() => connection.isUp);
  const cache = new RedisByteCache({ connection, prefix: 'verbatim' });
  return { server, connection, emit, events, cache };
}

it('whoever puts a value hears that a full server did not take it, and nothing where it did', async () => {
  const { server, cache, events } = await replica();
  let lost = 0;
  const put = () => cache.put(['a'], new Uint8Array(100), 60, () => void lost++);
  put();
  await until(async () => (await cache.get(['a'], 100)) !== undefined);
  expect(lost).toBe(0);
  await server.command('CONFIG', 'SET', 'maxmemory', '1');
  put();
  await until(() => events.askedRedis.some(({ outcome }) => outcome === 'refused'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(lost).toBe(1);
});

it('whoever tells of something knows that a full server did not pass it on', async () => {
  const { server, connection } = await replica();
  const news = new News({
    connection,
    prefix: 'verbatim',
    authenticator: AUTHENTICATOR,
    subjects: new Map([['main', SUBJECT]]),
    heard: () => undefined,
    looked: () => undefined,
  });
  expect(await news.tell('main', 'alpha', '1')).toBe(true);
  await server.command('CONFIG', 'SET', 'maxmemory', '1');
  expect(await news.tell('main', 'alpha', '2')).toBe(false);
  await news.close();
});

it('a page that lies there and that others did not hear of is told again as news, once', async () => {
  const { cache, emit } = await replica();
  const told: string[] = [];
  let isHeard = false;
  const pages = new SealedPages({
    cache: new GuardedCache({ index: 'main', cache, emit, authenticator: AUTHENTICATOR }),
    list: { head: async () => undefined, packed: async () => undefined, stored: async () => undefined },
    upstream: 'https://pypi.example/simple/',
    projectBytes: undefined,
    async tell(project) {
      told.push(project);
      return isHeard;
    },
  });
  expect(pages.retell()).toEqual([]);
  pages.stored('alpha', { page: PAGE });
  await until(() => told.length === 1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(pages.retell()).toEqual(['alpha']);
  expect(pages.isUntold('alpha')).toBe(true);
  expect((await pages.find('alpha'))?.page?.serial).toBe(5);
  isHeard = true;
  pages.stored('alpha', { page: PAGE });
  await until(() => told.length === 2);
  expect([pages.isUntold('alpha'), pages.retell()]).toEqual([false, []]);
  // It is known to others from now on.
  pages.stored('alpha', { page: PAGE });
  pages.stored('alpha', { page: { ...PAGE, serial: 6, seenSerial: 6 } });
  await until(() => told.length === 3);
  expect(told).toEqual(['alpha', 'alpha', 'alpha']);
});
