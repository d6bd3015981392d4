import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { PEER_BLOBS } from '../../src/ports/peers.ts';
import { ask } from '../support/ask.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { freePort } from '../support/free-port.ts';
import { redisServer, until } from '../support/redis.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startVerbatim, verbatim } from '../support/verbatim.ts';
import { scratch } from '../support/volume-harness.ts';

// Replicas with a disk each, that know each other and a Redis.

const CLIENTS = 60;
const SIZE = 4 * 1024 * 1024;
const WHEEL = { ...tinyWheel('alpha'), bytes: Buffer.alloc(SIZE, 'a wheel that is worth fetching once alone ') };
const SHA256 = sha256Hex(WHEEL.bytes);

async function place() {
  const pypi = await startFakePypi();
  onTestFinished(() => pypi.close());
  pypi.upload('alpha', WHEEL);
  const path = pypi.storedAt(WHEEL);
  const redis = await redisServer();
  const key = join(await scratch(), 'seal.key');
  await writeFile(key, 'a key of this fleet');
  const from = ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
  const shared = [...from, '--seal-key-file', key, '--redis', `redis://127.0.0.1:${redis.port}`, '--admin-port', '0'];
  const start = async (port: number, peers: readonly (number | string)[]) => {
    const named = peers.flatMap((peer) => ['--fleet-peer', `http://127.0.0.1:${peer}`]);
    const mirror = await startVerbatim([...shared, '--port', String(port), ...named], await scratch());
    onTestFinished(() => mirror.close());
    return { ...mirror, base: new URL('/', mirror.simple).href };
  };
  return { pypi, redis, path, from, key, start, asked: () => pypi.files.asked(path).length };
}

type Replica = Awaited<ReturnType<Awaited<ReturnType<typeof place>>['start']>>;

async function fileOf({ base }: Pick<Replica, 'base'>, path: string): Promise<string> {
  const { status, body } = await ask(base, path);
  return `${status} ${sha256Hex(body)}`;
}

async function metric({ metrics = '' }: Replica, line: string): Promise<number> {
  const { body } = await ask(metrics, '/metrics');
  const found = body
    .toString()
    .split('\n')
    .find((each) => each.startsWith(`${line} `));
  return found === undefined ? 0 : Number(found.slice(line.length));
}

const proved = (replica: Replica) => metric(replica, 'verbatim_peer_files_total{result="proved"}');

/** Somebody at an address of the fleet that is no replica. */
async function somebody(answer: RequestListener) {
  const asked: string[] = [];
  const server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.url} ${incoming.headers.authorization ?? ''}`);
    answer(incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

it('a cold file is downloaded once, however many clients of three replicas ask', async () => {
  const { path, start, asked, pypi } = await place();
  const ports = [await freePort(), await freePort(), await freePort()];
  const replicas = await Promise.all(ports.map((port) => start(port, ports)));
  const held = Promise.withResolvers<void>();
  pypi.files.fault(path, { kind: 'wait', until: held.promise }, 1);
  const clients = Array.from({ length: CLIENTS * 3 }, (_, client) =>
    fileOf(replicas[client % 3] ?? { base: '' }, path),
  );
  await until(() => asked() > 0);
  held.resolve();
  expect(new Set(await Promise.all(clients))).toEqual(new Set([`200 ${SHA256}`]));
  expect(asked()).toBe(1);
  const counts = await Promise.all(replicas.map(proved));
  expect(counts.toSorted()).toEqual([0, 1, 1]);
}, 120_000);

it('a peer that lies, stands still, redirects or is gone costs no client anything, and whoever else has the file is believed', async () => {
  const { path, start, asked } = await place();
  const elsewhere = await somebody((_, outgoing) => outgoing.end(WHEEL.bytes));
  const liar = await somebody((_, outgoing) => outgoing.end(Buffer.alloc(SIZE, 'another wheel of that length')));
  const silent = await somebody(() => undefined);
  const stalled = await somebody((_, outgoing) => {
    outgoing.writeHead(200, { 'content-length': SIZE });
    outgoing.write(WHEEL.bytes.subarray(0, 70_000));
  });
  const redirecting = await somebody((_, outgoing) => {
    outgoing.writeHead(302, { location: `http://127.0.0.1:${elsewhere.port}/` });
    outgoing.end();
  });
  const dead = await freePort();
  const wrong = [liar, silent, stalled, redirecting];
  const honest = await start(await freePort(), [dead]);
  expect(await fileOf(honest, path)).toBe(`200 ${SHA256}`);
  const taught = await start(await freePort(), [...wrong.map(({ port }) => port), dead, new URL(honest.base).port]);
  expect(await fileOf(taught, path)).toBe(`200 ${SHA256}`);
  expect([asked(), await proved(taught)]).toEqual([1, 1]);
  const alone = await start(await freePort(), [...wrong.map(({ port }) => port), dead]);
  expect(await fileOf(alone, path)).toBe(`200 ${SHA256}`);
  expect([asked(), await proved(alone)]).toEqual([2, 0]);
  expect(liar.asked.length).toBeGreaterThan(0);
  // Nobody's credentials, and that path alone.
  for (const { asked: heard } of wrong) for (const each of heard) expect(each).toBe(`${PEER_BLOBS + SHA256} `);
  expect(elsewhere.asked).toEqual([]);
  const said = async () => (await ask(alone.metrics ?? '', '/metrics')).body.toString();
  await until(async () => /^verbatim_condition\{[^}]*what="peer"[^}]*\} [1-9]/m.test(await said()));
  expect(alone.log()).toContain(`http://127.0.0.1:${liar.port}`);
}, 120_000);

it('an address that lies in Redis is never asked', async () => {
  const { pypi, path, start, asked, redis } = await place();
  const forged = await somebody((_, outgoing) => outgoing.end(WHEEL.bytes));
  const port = await freePort();
  const named = await freePort();
  const replica = await start(port, [named]);
  // Whoever writes to Redis answers for every lease.
  let rewritten = 0;
  const held = setInterval(() => {
    redis.command('EVAL', FORGE, '0', `http://127.0.0.1:${forged.port}`).then(
      (said) => {
        rewritten += Number(/^:(\d+)/.exec(said)?.[1] ?? 0);
      },
      () => undefined,
    );
  }, 20);
  onTestFinished(() => clearInterval(held));
  // It holds its lease until that is another's.
  pypi.files.fault(path, { kind: 'wait', until: until(async () => rewritten > 0) });
  await redis.command('CONFIG', 'SET', 'notify-keyspace-events', '');
  const client = fileOf(replica, path);
  expect(await client).toBe(`200 ${SHA256}`);
  expect(rewritten).toBeGreaterThan(0);
  expect([asked(), forged.asked]).toEqual([1, []]);
}, 120_000);

/** Every lease that there is says where its holder is to be found; how many there are. */
const FORGE = `
local keys = redis.call('KEYS', 'verbatim:lease:*')
for _, key in ipairs(keys) do redis.call('SET', key, ARGV[1], 'PX', 1000) end
return #keys`;

it('nobody but a replica has anything by the path of replicas, whatever it sends', async () => {
  const { path, start, asked } = await place();
  const replica = await start(await freePort(), [await freePort()]);
  expect(await fileOf(replica, path)).toBe(`200 ${SHA256}`);
  const words = [undefined, '', 'A'.repeat(75), createHash('sha256').update('x').digest('base64url')];
  const told = await Promise.all(
    words.map((word) =>
      ask(replica.base, PEER_BLOBS + SHA256, { headers: word === undefined ? {} : { 'verbatim-peer': word } }),
    ),
  );
  const nowhere = await ask(replica.base, PEER_BLOBS);
  for (const { status, body } of told) {
    expect(status).toBe(404);
    expect(body.equals(nowhere.body)).toBe(true);
  }
  expect(asked()).toBe(1);
  expect(await metric(replica, 'verbatim_peer_answers_total{result="refused"}')).toBe(words.length);
}, 120_000);

it('replicas without a seal key are refused at the start, in words', async () => {
  const { from } = await place();
  const named = ['--fleet-peer', 'http://127.0.0.1:1'];
  const { code, stderr } = await verbatim('serve', ...from, ...named, '--data', await scratch(), '--port', '0');
  expect(code).not.toBe(0);
  expect(stderr).toContain('seal_key_file');
}, 60_000);
