import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { NO_POLICY } from '../../src/config/policy/settings.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { JSON_PAGE } from '../rigs/mirror.ts';
import { wholeAtEnd } from '../rigs/whole-at-end.ts';
import { badGateway } from '../support/bad-days.ts';
import type { FakePypi } from '../support/fake-pypi.ts';
import { type RedisServer, redisServer, until } from '../support/redis.ts';
import { tinyWheel, zip } from '../support/tiny-wheel.ts';

// Replicas of an index that signs nothing, each with a data directory of its own, beside one Redis and under one seal key.

const ONE = tinyWheel('alpha');
const TWO = { ...ONE, filename: ONE.filename.replace('1.0', '2.0') };

async function fleet(options: IndexRigOptions = {}) {
  const server = await redisServer();
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-fleet-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const key = join(directory, 'seal.key');
  await writeFile(key, 'a secret of more than sixteen bytes');
  let count = 0;
  const start = async (others: Partial<IndexRigOptions>) => {
    const seal = { key, epoch: join(directory, `epoch-${++count}`) };
    const rig = await startIndexRig({ redis: [server.port], seal, ...options, ...others });
    onTestFinished(() => rig.close());
    return wholeAtEnd(rig, server);
  };
  const one = await start({ fill: (pypi) => pypi.upload('alpha', ONE) });
  const { pypi } = one;
  return { server, one, pypi, other: (more: Partial<IndexRigOptions> = {}) => start({ pypi, ...more }) };
}

const page = (mirror: IndexRig) => mirror.get('/simple/alpha/', { headers: { accept: JSON_PAGE } });
const entries = async (server: RedisServer, kind: string) =>
  (await server.command('KEYS', `verbatim:${kind}:*`)).match(/verbatim:/g)?.length ?? 0;
const serialOf = ({ headers }: Awaited<ReturnType<typeof page>>) => Number(headers['x-pypi-last-serial']);
const heard = ({ events }: IndexRig) => events.heard.map(({ what, result }) => `${what} ${result}`);
const asked = ({ pypi }: IndexRig) => pypi.asked('alpha').length;

/** One has the page, and others may have it. */
async function shared(options: IndexRigOptions = {}) {
  const made = await fleet(options);
  const first = await page(made.one);
  await until(async () => (await entries(made.server, 'bytes')) > 0 && (await entries(made.server, 'news')) > 0);
  return { ...made, first };
}

it('a cold one answers a page from what another believes, with its pins, and asks upstream for nothing', async () => {
  const { one, other, first, pypi } = await shared();
  const before = asked(one);
  pypi.page('alpha', badGateway);
  const two = await other();
  const answer = await page(two);
  expect(answer.body).toEqual(first.body);
  expect(serialOf(answer)).toBe(serialOf(first));
  expect(asked(one)).toBe(before);
  expect([...(await two.pins('alpha')).keys()]).toEqual([ONE.filename]);
  expect((await two.get(two.path(ONE))).body).toEqual(Buffer.from(ONE.bytes));
});

it('what one believes the others serve, though upstream does not answer them', async () => {
  const { one, other, pypi } = await shared();
  const two = await other();
  await page(two);
  pypi.upload('alpha', TWO);
  const names = (await one.later('alpha')).map(({ filename }) => filename);
  expect(names).toHaveLength(2);
  pypi.page('alpha', badGateway);
  await until(async () => (await two.names('alpha')).length === 2);
  expect(serialOf(await page(two))).toBe(serialOf(await page(one)));
  expect(heard(two)).toContain('page newer');
});

it('a project that one said is not there is found as soon as another has found it', async () => {
  const { one, other, pypi, server } = await shared();
  const two = await other();
  expect((await two.get('/simple/beta/')).status).toBe(404);
  pypi.upload('beta', tinyWheel('beta'));
  await one.page('beta');
  await until(async () => (await two.get('/simple/beta/')).status === 200);
  expect(await entries(server, 'news')).toBe(1);
});

it('one that starts with an old disk serves no older page than the others did', async () => {
  const { one, other, pypi } = await shared();
  const two = await other();
  await page(two);
  await two.stop();
  pypi.upload('alpha', TWO);
  await one.later('alpha');
  pypi.page('alpha', badGateway);
  await until(async () => (await one.names('alpha')).length === 2);
  await two.start();
  expect(await two.names('alpha')).toHaveLength(2);
});

it('an older page that is put back in Redis lowers nobody who knows a newer one, and gives way to that', async () => {
  const { one, other, pypi, server } = await shared();
  const keys = await server.command('KEYS', 'verbatim:bytes:*');
  for (const key of keys.match(/verbatim:bytes:\w+/g) ?? [])
    await server.command('EVAL', "redis.call('COPY', KEYS[1], KEYS[2])", '2', key, `old:${key}`);
  const two = await other();
  await page(two);
  pypi.upload('alpha', TWO);
  await one.later('alpha');
  await until(async () => (await two.names('alpha')).length === 2);
  pypi.page('alpha', badGateway);
  const putBack =
    "for _, key in ipairs(redis.call('KEYS', 'old:*')) do redis.call('COPY', key, string.sub(key, 5), 'REPLACE') end";
  await server.command('EVAL', putBack, '0');
  await two.restart();
  expect(await two.names('alpha')).toHaveLength(2);
  const three = await other();
  await until(async () => (await three.names('alpha')).length === 2);
});

it.each<readonly [string, (server: RedisServer) => unknown, (server: RedisServer) => Promise<unknown>]>([
  ['stood still', (server) => server.stop(), async (server) => server.goOn()],
  [
    'took no writes',
    (server) => server.command('CONFIG', 'SET', 'maxmemory', '1'),
    (server) => server.command('CONFIG', 'SET', 'maxmemory', '0'),
  ],
  ['was gone', (server) => server.kill(), (server) => server.start()],
])('what one found while Redis %s the others hear when it is over', async (_, begin, end) => {
  const { server, one, pypi, other } = await shared();
  const two = await other();
  expect(await two.names('alpha')).toHaveLength(1);
  await begin(server);
  pypi.upload('alpha', TWO);
  expect(await one.later('alpha')).toHaveLength(2);
  expect(await two.names('alpha')).toHaveLength(1);
  pypi.page('alpha', badGateway);
  await end(server);
  await until(async () => (await two.names('alpha')).length === 2);
});

it('a page of a stranger to the seal key is a counted miss', async () => {
  const { other, pypi, server, first } = await shared();
  const spoil =
    "for _, key in ipairs(redis.call('KEYS', 'verbatim:bytes:*')) do redis.call('SETRANGE', key, 40, '!') end";
  await server.command('EVAL', spoil, '0');
  const two = await other();
  const before = pypi.asked('alpha').length;
  expect((await page(two)).body).toEqual(first.body);
  expect(pypi.asked('alpha').length).toBeGreaterThan(before);
  expect(two.events.cached.map(({ result }) => result)).toContain('refused');
});

it('replicas of another upstream under the same name share no page', async () => {
  const { server, other } = await shared();
  const own = await fleet();
  const stranger = await other({ pypi: own.pypi });
  await page(stranger);
  expect(stranger.events.cached.filter(({ result }) => result === 'hit')).toEqual([]);
  await until(async () => (await entries(server, 'news')) === 2);
});

it('a project that is gone does not come back as it was where another knows that', async () => {
  const { one, other, pypi, server } = await shared();
  // Its serial is a floor once it was seen twice.
  await one.later('alpha');
  await one.later('alpha');
  const old = pypi.remember('alpha');
  pypi.removeProject('alpha');
  await one.later('alpha').catch(() => undefined);
  expect((await page(one)).status).toBe(404);
  pypi.recall('alpha', old && { ...old, serial: old.serial - 1 });
  await until(async () => (await entries(server, 'news')) > 0);
  const two = await other();
  expect(await two.refused('/simple/alpha/')).toBe('502 regressed');
});

it('a page that another one drew is held to what lies in its files here, too', async () => {
  const bad = { ...tinyWheel('alpha', '1.1'), uploadTime: '2026-01-03T00:00:00Z' };
  const wheel = {
    ...bad,
    bytes: zip([
      ['evil.pth', Buffer.from('import os\n')],
      ['alpha-1.1.dist-info/METADATA', bad.coreMetadata],
      ['alpha-1.1.dist-info/RECORD', Buffer.from('')],
    ]),
  };
  const { one, other, pypi, server } = await fleet();
  pypi.edit('alpha', ONE.filename, { 'upload-time': '2026-01-02T00:00:00Z' });
  pypi.upload('alpha', wheel);
  expect(await one.names('alpha')).toEqual([ONE.filename, wheel.filename]);
  await until(async () => (await entries(server, 'bytes')) > 0 && (await entries(server, 'news')) > 0);
  pypi.page('alpha', badGateway);
  const condition = { name: 'new-pth', when: 'new-pth', action: 'hide', unjudged: 'report' } as const;
  const two = await other({ index: { policy: { ...NO_POLICY, conditions: [condition] } } });
  // Nobody looks into what nobody asked for.
  expect(await two.names('alpha')).toEqual([ONE.filename, wheel.filename]);
  expect(await two.refused(two.path(wheel))).toBe('403 policy');
  expect(await two.names('alpha')).toEqual([ONE.filename]);
  expect((await two.get(two.path(ONE))).status).toBe(200);
});

const list = (mirror: IndexRig) => mirror.get('/simple/', { headers: { accept: JSON_PAGE } });
const lists = ({ index }: FakePypi) => index.asked('/simple/').length;

/** One has the list of all projects, and others may have it: what is known of it, and its bytes. */
async function sharedList() {
  const made = await fleet({ index: { projectList: true } });
  const first = await list(made.one);
  await until(async () => (await entries(made.server, 'bytes')) >= 2);
  return { ...made, first };
}

it('a cold one answers the list of all projects from what another believes, and one that has it stands by when upstream did', async () => {
  const { one, other, pypi, first } = await sharedList();
  const before = lists(pypi);
  const two = await other();
  expect((await list(two)).body).toEqual(first.body);
  expect(lists(pypi)).toBe(before);
  // Its own disk has it from now on.
  await two.stop();
  pypi.upload('beta', tinyWheel('beta'));
  one.clock.advance(4000);
  await until(async () => (await list(one)).body.includes('beta'));
  two.clock.advance(4000);
  pypi.index.fault('/simple/', { kind: 'status', status: 500 });
  await two.start();
  expect((await list(two)).body.toString()).toContain('beta');
});

it('a list of a stranger to the seal key is a counted miss, and an older one that is put back lowers nobody', async () => {
  const { one, other, pypi, server, first } = await sharedList();
  const all = async (what: string) => {
    const each = `for _, key in ipairs(redis.call('KEYS', 'verbatim:bytes:*')) do ${what} end`;
    await server.command('EVAL', each, '0');
  };
  await all("redis.call('COPY', key, 'old:' .. key)");
  const two = await other();
  await list(two);
  pypi.upload('beta', tinyWheel('beta'));
  two.clock.advance(4000);
  await until(async () => (await list(two)).body.includes('beta'));
  await all("redis.call('COPY', 'old:' .. key, key, 'REPLACE')");
  pypi.index.fault('/simple/', { kind: 'status', status: 500 });
  await two.restart();
  expect((await list(two)).body.toString()).toContain('beta');
  pypi.index.heal();
  await all("redis.call('SETRANGE', key, 40, '!')");
  const before = lists(pypi);
  const three = await other();
  expect((await list(three)).body).not.toEqual(first.body);
  expect(lists(pypi)).toBe(before + 1);
  expect(three.events.cached.map(({ result }) => result)).toContain('refused');
  expect((await list(one)).status).toBe(200);
});
