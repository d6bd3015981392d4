import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { bucketKeys } from '../../../src/app/bucket/keys.ts';
import { importPlace } from '../../../src/app/carry/import-place.ts';
import { compose } from '../../../src/app/compose.ts';
import { serversOn } from '../../../src/app/control/connect.ts';
import { createHandle } from '../../../src/app/control/handle.ts';
import { MAX_ANSWER, readRequest } from '../../../src/app/control/protocol.ts';
import { AcceptChangeRequest, FollowRequest, RefreshRequest } from '../../../src/app/control/requests.ts';
import { indexOf } from '../../../src/app/data-directory.ts';
import { openRedis } from '../../../src/app/fleet/redis.ts';
import { noEvents } from '../../../src/app/no-events.ts';
import { acceptClockIn } from '../../../src/app/operator/accept-clock.ts';
import { audited } from '../../../src/app/operator/audited.ts';
import { projectOf } from '../../../src/app/operator/place.ts';
import { sealingOf } from '../../../src/app/secrets.ts';
import { authorities, reachOf } from '../../../src/app/upstream-options.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { placeSocket } from '../../../src/disk/sockets.ts';
import { openVolume } from '../../../src/disk/volume.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { BUILT_AT } from '../../../src/version.ts';
import { createMemoryState } from '../../support/memory-state.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-app-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

async function configOf(more: object = {}) {
  const path = join(directory, 'verbatim.yaml');
  const indexes = { main: { upstream: 'http://127.0.0.1:1/', evidence: 'index' } };
  await writeFile(path, JSON.stringify({ indexes, data: 'data', ...more }));
  return loadConfig({ file: path, env: {} });
}

async function fileOf(text: string): Promise<string> {
  const path = join(directory, 'given');
  await writeFile(path, text);
  return path;
}

const refused = (reason: string) => expect.objectContaining({ reason });
const many = (count: number, of: string) => of.repeat(count);

describe('what a server is asked', () => {
  const refresh = { index: 'main', name: 'alpha', reason: 'why', dryRun: false };
  const change = { index: 'main', change: {}, reason: 'why', dryRun: false };
  const follow = { index: 'main', projects: ['alpha'] };

  it.each<readonly [string, z.ZodType, object, object]>([
    ['an index', RefreshRequest, { ...refresh, index: many(100, 'a') }, { ...refresh, index: many(101, 'a') }],
    ['a name', RefreshRequest, { ...refresh, name: many(1000, 'a') }, { ...refresh, name: many(1001, 'a') }],
    ['a reason', RefreshRequest, { ...refresh, reason: many(10_000, 'a') }, { ...refresh, reason: many(10_001, 'a') }],
    [
      'a digest',
      AcceptChangeRequest,
      { ...change, change: { digest: many(200, 'a') } },
      { ...change, change: { digest: many(201, 'a') } },
    ],
    [
      'a serial',
      AcceptChangeRequest,
      { ...change, change: { serial: many(20, '1') } },
      { ...change, change: { serial: many(21, '1') } },
    ],
    [
      'projects',
      FollowRequest,
      { ...follow, projects: Array.from({ length: 1000 }, () => 'a') },
      { ...follow, projects: Array.from({ length: 1001 }, () => 'a') },
    ],
  ])('has a limit: %s', (_, schema, taken, tooMuch) => {
    expect(schema.safeParse(taken).success).toBe(true);
    expect(schema.safeParse(tooMuch).success).toBe(false);
  });

  it('is called by a short name', () => {
    const line = (name: string) => JSON.stringify({ verbatim: 1, do: name, with: {} });
    expect(readRequest(line(many(64, 'a'))).name).toBe(many(64, 'a'));
    expect(() => readRequest(line(many(65, 'a')))).toThrow(refused('format'));
  });

  it('is about an index that it has, in a form that it knows', async () => {
    const composition = await compose({ config: await configOf(), emit: noEvents });
    onTestFinished(() => composition.close());
    const handle = createHandle(composition, () => expect.fail('nobody asks for its status'));
    await expect(handle('refresh', { ...refresh, index: 'other' })).rejects.toEqual(refused('unlisted'));
    await expect(handle('follow', { index: 'other', projects: [] })).rejects.toEqual(refused('unlisted'));
    await expect(handle('refresh', { ...refresh, dryRun: 'yes' })).rejects.toEqual(refused('format'));
    await expect(handle('dance', {})).rejects.toEqual(refused('format'));
  });
});

describe('an answer over the control socket', () => {
  async function answering(answer: (socket: Socket) => void) {
    const data = join(directory, 'data');
    const volume = await openVolume(data);
    const placed = await placeSocket(volume);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => answer(socket));
    });
    await new Promise<void>((listening) => server.listen(placed.address, listening));
    await placed.publish();
    const close = () => new Promise<void>((closed) => server.close(() => closed()));
    onTestFinished(async () => {
      await close();
      placed.release();
      await placed.remove();
      await volume.close();
    });
    const [found] = await serversOn(data);
    return { close, ask: () => found?.ask('status', {}, z.unknown()) };
  }

  it('that ends before its line does is none', async () => {
    const { ask } = await answering((socket) => socket.end('{"verbatim":1,"answer":{}}'));
    await expect(ask()).rejects.toEqual(refused('unreachable'));
  });

  it('that does not end is not read for ever', async () => {
    const part = Buffer.alloc(1 << 20, ' ');
    const { ask } = await answering((socket) => {
      for (let sent = 0; sent <= MAX_ANSWER; sent += part.byteLength) socket.write(part);
      socket.end('{"verbatim":1,"answer":{}}\n');
    });
    await expect(ask()).rejects.toEqual(refused('limit'));
  });

  it('is none of a server that has ended since it was found', async () => {
    const { ask, close } = await answering((socket) => socket.end());
    await close();
    await expect(ask()).rejects.toEqual(refused('unreachable'));
  });
});

it('servers are not said to be none where nobody can look for them', async () => {
  const data = join(directory, 'data');
  await (await openVolume(data)).close();
  await rm(join(data, 'control'), { recursive: true, force: true });
  expect(await serversOn(data)).toEqual([]);
  await symlink(join(data, 'control'), join(data, 'control'));
  await expect(serversOn(data)).rejects.toMatchObject({ code: 'ELOOP' });
});

it.each(['main', 'other'])('an index that does not arrive by import is no place to import into: %s', async (name) => {
  const composition = await compose({ config: await configOf(), emit: noEvents });
  onTestFinished(() => composition.close());
  await expect(importPlace(composition, name)).rejects.toEqual(refused('unlisted'));
});

describe('a start', () => {
  it('is refused by a root that is none, and no index is said to have lost its state by that', async () => {
    const root = await fileOf('{}');
    const main = { upstream: 'http://127.0.0.1:1/', root, layout: 'pep458' };
    const other = { upstream: 'http://127.0.0.1:1/', evidence: 'index' };
    const config = await configOf({ indexes: { main, other } });
    const composing = compose({ config, emit: noEvents });
    await expect(composing).rejects.toMatchObject({ reason: 'format', subject: 'root' });
  });

  it('trusts no index anew that there is not', async () => {
    const config = await configOf();
    expect(() => indexOf(config, 'other')).toThrow(refused('unlisted'));
    const newTrust = new Map([['other', 'why']]);
    await expect(compose({ config, emit: noEvents, newTrust })).rejects.toEqual(refused('format'));
  });

  it('needs a seal key that holds something, from a file or a variable', async () => {
    const file = await fileOf('\r\n');
    const inFile = await configOf({ seal_key_file: file });
    expect(() => sealingOf(inFile)).toThrow(refused('state'));
    const inVariable = await configOf({ seal_key_env: 'VERBATIM_TEST_KEY' });
    expect(() => sealingOf(inVariable)).toThrow(refused('state'));
    await writeFile(file, 'a secret of some length\n');
    expect(sealingOf(inFile).sealKey).toEqual(Buffer.from('a secret of some length'));
  });

  it.each(['', 'none'])('needs the password of Redis where one is named: %j', async (held) => {
    const place = held === '' ? { password_file: await fileOf('\n') } : { password_env: 'VERBATIM_TEST_PASSWORD' };
    const config = await configOf({ redis: { url: 'redis://127.0.0.1:1/', ...place } });
    const { redis = expect.fail() } = config;
    await expect(openRedis(config, redis, noEvents)).rejects.toEqual(refused('state'));
  });

  it.each([undefined, ''])('needs the password of an upstream where a variable is to hold it: %j', async (held) => {
    const credentials = { username: 'anna', password_env: 'VERBATIM_TEST_PASSWORD' };
    const main = { upstream: 'http://127.0.0.1:1/', evidence: 'index', credentials };
    const { indexes } = await configOf({ indexes: { main } });
    const reach = () => reachOf(indexes['main'] ?? expect.fail(), []);
    vi.stubEnv('VERBATIM_TEST_PASSWORD', 'a secret');
    expect(reach().credentials?.[0]?.username).toBe('anna');
    vi.stubEnv('VERBATIM_TEST_PASSWORD', held);
    expect(reach).toThrow(refused('state'));
  });

  it('needs authorities in PEM', async () => {
    const file = await fileOf('no certificate');
    expect(() => authorities(file)).toThrow(refused('format'));
    await writeFile(file, '-----BEGIN CERTIFICATE-----\n');
    expect(authorities(file)).toContain('BEGIN CERTIFICATE');
  });

  it.each(['aws_access_key_id = a\n', 'aws_secret_access_key = b\n', ''])(
    'needs both keys of a bucket: %j',
    async (lines) => {
      for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
      const credentialsFile = await fileOf(`[default]\n${lines}`);
      const keys = async () => bucketKeys({ credentialsFile }, { region: 'eu-1', virtualHost: false })();
      await expect(keys()).rejects.toEqual(refused('state'));
    },
  );
});

describe('an operator', () => {
  it('names a project as projects are called', () => {
    expect(projectOf('Foo.Bar')).toBe('foo-bar');
    expect(() => projectOf('foo bar')).toThrow(refused('format'));
  });

  it('sets no clock right by one that is before the day this program was made', async () => {
    const { operator, close } = await compose({ config: await configOf(), emit: noEvents });
    onTestFinished(close);
    const request = { index: undefined, reason: 'why', dryRun: true };
    expect((await acceptClockIn(operator, request)).accepted).toEqual([]);
    const behind = { ...operator, now: () => BUILT_AT - 1 };
    await expect(acceptClockIn(behind, request)).rejects.toEqual(refused('clock'));
  });

  it('does nothing to an index without a state to write it down in', async () => {
    const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
    await expect(audited(state, 1, 'forget', 'why')).rejects.toEqual(refused('state'));
  });
});
