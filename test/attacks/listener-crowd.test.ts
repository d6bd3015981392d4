import { scryptSync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { readUsers } from '../../src/http/access/access-list.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { type Line, openLines } from '../support/connections.ts';
import type { FakePypi } from '../support/fake-pypi.ts';
import { type TinyWheel, tinyWheel } from '../support/tiny-wheel.ts';

// Clients that take all they can, and others who want a file meanwhile: the others get it.

const HOSTILE = '127.0.0.66';
/** Larger than what the system takes of it for a client that reads nothing. */
const LARGE = tinyWheel('large', '1.0', 'x'.repeat(9 * 1024 * 1024));
const small = (count: number, name = 'small') =>
  Array.from({ length: count }, (_, at) => tinyWheel(`${name}-${at}`, '1.0', 'y'.repeat(70_000 + at)));

let rig: IndexRig;
let lines: readonly Line[] = [];

async function start(files: readonly TinyWheel[], options: IndexRigOptions = {}): Promise<void> {
  const upload = (pypi: FakePypi) => {
    for (const file of files) pypi.upload(file.project, file);
  };
  rig = await startIndexRig({ ...options, fill: upload });
}

afterEach(async () => {
  for (const { socket } of lines) socket.destroy();
  lines = [];
  await rig.close();
});

const paths = new WeakMap<TinyWheel, string>();

/** It is made of a digest of the whole file. */
function pathOf(file: TinyWheel): string {
  const path = paths.get(file) ?? rig.path(file);
  paths.set(file, path);
  return path;
}

const asking = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** Page and file, as an installer asks. Throws where an answer is not right to the last byte. */
async function install(file: TinyWheel, from: string, headers: Record<string, string> = {}): Promise<void> {
  const page = await rig.get(`/simple/${file.project}/`, { from, headers });
  const { status, phrase, body } = await rig.get(pathOf(file), { from, headers });
  const right = page.status === 200 && status === 200 && body.equals(file.bytes);
  if (!right)
    throw new Error(`${from} got ${page.status} ${page.phrase}, ${status} ${phrase}, ${body.byteLength} bytes`);
}

const address = (at: number) => `127.0.${1 + Math.floor(at / 200)}.${1 + (at % 200)}`;

const descriptors = () => readdirSync('/proc/self/fd').length;

/** What the attack took is there again once it is over. */
async function isGivenBack(before: number): Promise<void> {
  for (const { socket } of lines) socket.destroy();
  await expect.poll(() => rig.held().chunks).toEqual({ busy: 0, waiting: 0 });
  await expect.poll(() => rig.held().connections.open).toBe(0);
  // Connections to upstream stay for the next download.
  await expect.poll(descriptors).toBeLessThanOrEqual(before + 64);
}

describe('readers that take nothing', () => {
  it('hold no buffer that others want, be they of one address', async () => {
    const honest = small(25);
    await start([LARGE, ...honest]);
    await install(LARGE, '127.0.0.2');
    const before = descriptors();
    lines = await openLines(150, rig.url(), { from: HOSTILE, stalled: true });
    for (const line of lines) line.send(asking(pathOf(LARGE)));
    // All of them have as much as the system takes for them.
    await expect.poll(() => rig.held().connections.open).toBe(150);
    await Promise.all(honest.map((file, at) => install(file, address(at))));
    await Promise.all(Array.from({ length: 8 }, (_, at) => install(LARGE, address(at))));
    expect(lines.every((line) => line.isOpen())).toBe(true);
    await isGivenBack(before);
  });
});

describe('a crowd of honest clients', () => {
  it('of 1,000 behind one address is served one cold file', async () => {
    const [file] = small(1) as [TinyWheel];
    await start([file]);
    await rig.page(file.project);
    const before = descriptors();
    const path = pathOf(file);
    const answers = await Promise.all(Array.from({ length: 1000 }, () => rig.get(path, { from: HOSTILE })));
    expect(answers.filter(({ status, body }) => status === 200 && body.equals(file.bytes))).toHaveLength(1000);
    expect(rig.pypi.files.asked(rig.pypi.storedAt(file))).toHaveLength(1);
    await isGivenBack(before);
  });

  it('of 150 addresses is served files of which each wants another', async () => {
    const files = small(150);
    await start(files);
    const before = descriptors();
    await Promise.all(files.map((file, at) => install(file, address(at))));
    await isGivenBack(before);
  });
});

describe('connections that ask for nothing', () => {
  it('take no place from those who ask, idle or with half a request', async () => {
    const files = small(20);
    await start(files, { connections: 256 });
    const before = descriptors();
    lines = await openLines(400, rig.url(), { from: HOSTILE });
    for (const line of lines.slice(0, 200)) line.send('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    await expect.poll(() => rig.held().connections).toMatchObject({ open: 240, refused: 160 });
    await Promise.all(files.map((file, at) => install(file, address(at))));
    expect(rig.events.crowded).toEqual([{ name: 'crowded', full: true, party: HOSTILE, held: 240, limit: 256 }]);
    await isGivenBack(before);
    expect(rig.events.crowded.slice(1)).toEqual([{ name: 'crowded', full: false }]);
  });

  it('of hundreds of addresses make room for one more that asks', async () => {
    const [file] = small(1) as [TinyWheel];
    await start([file], { connections: 128 });
    const before = descriptors();
    const many = Array.from({ length: 200 }, (_, at) => openLines(2, rig.url(), { from: address(at) }));
    lines = (await Promise.all(many)).flat();
    await install(file, HOSTILE);
    await isGivenBack(before);
  });
});

describe('wrong passwords', () => {
  it('of 40 strangers keep out nobody whose password is right', async () => {
    const names = Array.from({ length: 11 }, (_, at) => `user${at}`);
    const readers = {
      users: readUsers(names.map((name) => `${name}:${hashOf(name)}`).join('\n'), 'users'),
      tokens: [],
    };
    const files = small(11);
    await start(files, { readers });
    const before = descriptors();
    let over = false;
    let refused = 0;
    const stranger = async (at: number) => {
      for (let attempt = 0; !over; attempt++) {
        const { status } = await rig.get('/simple/small-0/', {
          from: address(at),
          headers: basic('user0', `${at} ${attempt}`),
        });
        if (status === 401) refused++;
      }
    };
    const strangers = Array.from({ length: 40 }, (_, at) => stranger(at));
    await expect.poll(() => refused).toBeGreaterThan(10);
    await Promise.all(files.map((file, at) => install(file, `127.0.9.${at + 1}`, basic(`user${at}`, `user${at}`))));
    // And from an address that strangers share, once they were seen.
    await Promise.all(files.map((file, at) => install(file, address(0), basic(`user${at}`, `user${at}`))));
    over = true;
    await Promise.all(strangers);
    await isGivenBack(before);
  });
});

describe('pipelined crawls', () => {
  it('have one answer in work for each connection, and others are served beside them', async () => {
    const crawled = small(60, 'crawled');
    const honest = small(20, 'honest');
    await start([...crawled, ...honest]);
    const before = descriptors();
    lines = await openLines(10, rig.url(), { from: HOSTILE, stalled: true });
    for (const line of lines) line.send(crawled.map((file) => asking(`/simple/${file.project}/`)).join(''));
    await Promise.all(honest.map((file, at) => install(file, address(at))));
    await isGivenBack(before);
  });
});

describe('all of it at once', () => {
  it('keeps no honest client from its files', async () => {
    const honest = small(25);
    await start([LARGE, ...honest], { connections: 512 });
    await install(LARGE, '127.0.0.2');
    const before = descriptors();
    const [stalled, crawling, idle] = await Promise.all([
      openLines(140, rig.url(), { from: HOSTILE, stalled: true }),
      openLines(20, rig.url(), { from: '127.0.0.67', stalled: true }),
      openLines(380, rig.url(), { from: '127.0.0.68' }),
    ]);
    lines = [...stalled, ...crawling, ...idle];
    for (const line of stalled) line.send(asking(pathOf(LARGE)));
    for (const line of crawling)
      line.send(Array.from({ length: 90 }, (_, at) => asking(`/simple/made-up-${at}/`)).join(''));
    await Promise.all(honest.map((file, at) => install(file, address(at))));
    await isGivenBack(before);
  });
});

function basic(name: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

/** Dear enough that strangers can fill a queue with it. */
function hashOf(password: string): string {
  const salt = Buffer.alloc(16, 7);
  const hash = scryptSync(password, salt, 32, { cost: 4096, blockSize: 8, parallelization: 1 });
  return `scrypt$4096$8$1$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}
