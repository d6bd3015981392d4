import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { JSON_PAGE } from '../rigs/mirror.ts';
import { wholeAtEnd } from '../rigs/whole-at-end.ts';
import type { FakePypi } from '../support/fake-pypi.ts';
import { type RedisServer, redisServer, until } from '../support/redis.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Two mirrors before one upstream and beside one Redis.

const FILES = 900;
const WHEEL = tinyWheel('alpha');
const digestOf = (text: string) => sha256Hex(Buffer.from(text));

function fill(pypi: FakePypi): void {
  pypi.upload('alpha', WHEEL);
  for (let at = 1; at < FILES; at++)
    pypi.upload(
      'alpha',
      { ...WHEEL, filename: WHEEL.filename.replace('1.0', `${at + 1}.0`) },
      { hashes: { sha256: digestOf(`file ${at}`) }, 'core-metadata': { sha256: digestOf(`metadata ${at}`) } },
    );
}

async function fleet(server: RedisServer, isSealed = true) {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-fleet-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const key = join(directory, 'seal.key');
  await writeFile(key, 'a secret of more than sixteen bytes');
  const start = async (name: string, others: Partial<IndexRigOptions>) => {
    const seal = isSealed ? { key, epoch: join(directory, name) } : undefined;
    const rig = await startIndexRig({ fill, redis: [server.port], ...(seal && { seal }), ...others });
    onTestFinished(() => rig.close());
    return wholeAtEnd(rig, server);
  };
  const one = await start('one', {});
  const like = { pypi: one.pypi, fill: () => undefined };
  return {
    one,
    /** With a data directory of its own. */
    other: () => start('other', like),
    /** Another process on the same one. */
    beside: () => start('one', { ...like, data: one.data() }),
  };
}

const results = ({ events }: IndexRig) => events.cached.map(({ tier, result }) => `${tier} ${result}`);
const page = (mirror: IndexRig) =>
  mirror.get('/simple/alpha/', { headers: { accept: JSON_PAGE, 'accept-encoding': 'gzip' } });
const sets = ({ events }: IndexRig) =>
  events.askedRedis.filter(({ command, outcome }) => command === 'SET' && outcome === 'answered').length;

describe('two mirrors beside one Redis', () => {
  it('and on one data directory draw a page once: the other has it byte for byte', async () => {
    const server = await redisServer();
    const { one, beside } = await fleet(server);
    // It has listed what lies on the disk before the page was drawn.
    const two = await beside();
    const drawn = await page(one);
    // The page as upstream sent it, and as it was drawn.
    await until(() => sets(one) > 1);
    expect((await page(two)).body).toEqual(drawn.body);
    expect(results(one).slice(-2)).toEqual(['disk miss', 'redis miss']);
    expect(results(two).slice(-2)).toEqual(['disk miss', 'redis hit']);
  });

  it('without a seal key share no page', async () => {
    const server = await redisServer();
    const { one } = await fleet(server, false);
    await page(one);
    expect(results(one)).toEqual(['disk miss']);
  });

  it('that is stopped, killed, full or empty answer what they are asked all the same', async () => {
    const server = await redisServer();
    const { one, other } = await fleet(server);
    const drawn = await page(one);
    server.stop();
    const two = await other();
    expect((await page(two)).body).toEqual(drawn.body);
    expect((await two.get(two.path(WHEEL))).status).toBe(200);
    expect((await two.get('/readyz')).status).toBe(200);
    await server.kill();
    expect((await one.get(one.path(WHEEL))).status).toBe(200);
    await server.start();
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect((await page(one)).body).toEqual(drawn.body);
    expect((await page(two)).body).toEqual(drawn.body);
    expect((await one.get('/readyz')).status).toBe(200);
  });
});
