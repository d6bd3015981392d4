import { expect, it } from 'vitest';
import type { SignedIndex } from '../../src/repository/signed-index.ts';
import { JSON_PAGE } from '../rigs/mirror.ts';
import { type SignedReplica, signedFleet } from '../rigs/signed-fleet.ts';
import { wholeAtEnd } from '../rigs/whole-at-end.ts';
import { authority } from '../support/keys.ts';
import { type RedisServer, redisServer, until } from '../support/redis.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Replicas of a signed index, each with a data directory and an edge of upstream of its own, beside one Redis.

const ALPHA = tinyWheel('alpha');
const LATER = { ...ALPHA, filename: ALPHA.filename.replace('1.0', '2.0') };

async function fleet() {
  const server = await redisServer();
  const made = signedFleet([server.port], (signed) => signed.upload('alpha', ALPHA));
  const replica = async () => wholeAtEnd(await made.replica(), server);
  return { server, ...made, replica, path: `/${made.signed.filePath(ALPHA)}` };
}

const page = (mirror: SignedReplica) => mirror.get('/simple/alpha/', { headers: { accept: JSON_PAGE } });
const timestamp = async (mirror: SignedReplica) => {
  const { status, body } = await mirror.get('/tuf/metadata/timestamp.json');
  expect(status).toBe(200);
  return Number(JSON.parse(body.toString()).signed.version);
};
/** The page of one, which the other answers by the same bytes as soon as it has what the one believes. */
async function agreed(one: SignedReplica, other: SignedReplica): Promise<void> {
  const { status, body } = await page(one);
  expect(status).toBe(200);
  await until(async () => (await page(other)).body.equals(body));
}
const results = ({ events }: SignedReplica, tier = 'redis') =>
  events.cached.filter((each) => each.tier === tier).map(({ result }) => result);
/** What is written behind answers has come. */
const settled = (server: RedisServer, least: number) =>
  until(async () => Number(/\d+/.exec(await server.command('DBSIZE'))?.[0]) >= least);
/** Upstream has a new version, and this replica has seen it. */
async function publish(
  { signed, clock }: { signed: SignedIndex; clock: { advance(seconds: number): void } },
  at: SignedReplica,
) {
  signed.upload('alpha', LATER);
  signed.publish();
  clock.advance(60);
  await at.refresh();
}

it('a cold one proves a page, and all it is listed by, from what another had: upstream is asked what is newest alone', async () => {
  const { server, replica, path } = await fleet();
  const one = await replica();
  const first = await page(one);
  await one.get(path);
  // Timestamp, snapshot, targets, bins, a bin, the page, the file.
  await settled(server, 7);
  const two = await replica();
  await two.refresh();
  expect((await page(two)).body).toEqual(first.body);
  expect((await two.get(path)).body).toEqual((await one.get(path)).body);
  expect(two.asked().filter((url) => !/timestamp|\.root\./.test(url))).toEqual([]);
  expect(new Set(results(two))).toEqual(new Set(['hit', 'miss']));
});

it('a cold one that cannot reach upstream after its start answers from Redis all the same', async () => {
  const { server, replica } = await fleet();
  const one = await replica();
  const first = await page(one);
  await settled(server, 6);
  const two = await replica();
  await two.refresh();
  two.upstream.fault('*', { kind: 'status', status: 503 });
  expect((await page(two)).body).toEqual(first.body);
});

it('what one believes the others believe, though their own edge of upstream stays behind', async () => {
  const made = await fleet();
  const [one, two] = [await made.replica(), await made.replica()];
  await Promise.all([page(one), page(two)]);
  const before = await timestamp(two);
  two.freeze(true);
  await publish(made, one);
  await until(async () => (await timestamp(two)) > before);
  expect(await timestamp(two)).toBe(await timestamp(one));
  // What its edge lacks one of the others has had.
  await agreed(one, two);
  // Its own edge is older than what it believes now.
  await two.refresh();
  expect(await timestamp(two)).toBe(await timestamp(one));
});

it('one that starts with an old disk serves no less than the others did', async () => {
  const made = await fleet();
  const [one, two] = [await made.replica(), await made.replica()];
  await Promise.all([page(one), page(two)]);
  await two.stop();
  two.freeze(true);
  await publish(made, one);
  await two.start();
  expect(await timestamp(two)).toBe(await timestamp(one));
  await agreed(one, two);
});

it('new keys of upstream are followed by who hears of a timestamp that they signed', async () => {
  const made = await fleet();
  const [one, two] = [await made.replica(), await made.replica()];
  await Promise.all([page(one), page(two)]);
  const before = await timestamp(two);
  for (const role of ['timestamp', 'snapshot'] as const) made.signed.repository.rotate(role, authority(['online 2']));
  made.signed.repository.publishRoot();
  await publish(made, one);
  await until(async () => (await timestamp(two)) > before);
  await agreed(one, two);
});

const newestKey = async (server: RedisServer) =>
  (await server.command('KEYS', 'verbatim:newest:*')).split('\r\n')[2] ?? '';
const copy = (server: RedisServer, from: string, to: string) =>
  server.command('EVAL', "redis.call('COPY', KEYS[1], KEYS[2], 'REPLACE')", '2', from, to);

it('an older timestamp that is put back lowers nobody, and gives way', async () => {
  const made = await fleet();
  const { server } = made;
  const one = await made.replica();
  await page(one);
  await until(async () => (await newestKey(server)) !== '');
  const key = await newestKey(server);
  await copy(server, key, 'old');
  await publish(made, one);
  const newest = await timestamp(one);
  await until(async () => (await server.command('GET', key)) !== (await server.command('GET', 'old')));
  await copy(server, 'old', key);
  await until(async () => (await server.command('GET', key)) !== (await server.command('GET', 'old')));
  expect(await timestamp(one)).toBe(newest);
  expect(one.events.heard.map(({ result }) => result)).toContain('older');
  await agreed(one, one);
});

it('whatever else is written there is a counted miss, and upstream is asked instead', async () => {
  const { server, replica } = await fleet();
  const one = await replica();
  const first = await page(one);
  await settled(server, 6);
  const spoil =
    "for _, key in ipairs(redis.call('KEYS', 'verbatim:bytes:*')) do redis.call('SETRANGE', key, 40, '!') end";
  await server.command('EVAL', spoil, '0');
  const two = await replica();
  await two.refresh();
  expect((await page(two)).body).toEqual(first.body);
  expect(results(two)).toContain('refused');
  expect(results(two)).not.toContain('hit');
});

it('one of another root shares nothing with them', async () => {
  const { server, replica } = await fleet();
  const one = await replica();
  await page(one);
  await settled(server, 6);
  const other = signedFleet([server.port], (signed) => signed.upload('alpha', ALPHA), {
    root: authority(['root 8', 'root 9']),
  });
  const stranger = wholeAtEnd(await other.replica(), server);
  await page(stranger);
  expect(results(stranger)).not.toContain('hit');
  expect(stranger.events.heard).toEqual([]);
});
