import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientReach } from '../../src/cli/client-reach.ts';
import { lockDirectory } from '../../src/disk/client-lock.ts';
import { GOOD, TEST_KEY } from '../support/certificates.ts';
import { refusalOf } from '../support/client.ts';
import { createClock } from '../support/clock.ts';
import { startProxy } from '../support/proxy.ts';
import { createSimulator, type Simulator } from '../support/simulator.ts';
import { startUpstream, type TestUpstream, type UpstreamServerOptions } from '../support/upstream.ts';
import { verbatim } from '../support/verbatim.ts';

// `verbatim client` on lines that are not plain: authorities of one's own, proxies, cut connections, and a second client.

const TARGET = 'dir/file.bin';
const BYTES = Buffer.alloc(100_000, 'what was signed ');

let directory: string;
let simulator: Simulator;
let upstream: TestUpstream;

async function start(tls?: UpstreamServerOptions['tls']) {
  upstream = await startUpstream({ files: { get: (path) => simulator.repository.files.get(path) }, tls });
}
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-client-'));
  simulator = createSimulator({
    consistent: false,
    clock: createClock(Math.floor(Date.now() / 1000)),
    fill: (r) => r.addTarget('targets', TARGET, BYTES),
  });
  await writeFile(join(directory, 'root.json'), simulator.rootBytes(1));
  expect((await verbatim('client', '--metadata-dir', metadata(), 'init', join(directory, 'root.json'))).code).toBe(0);
});
afterEach(async () => {
  await upstream.close();
  await rm(directory, { recursive: true, force: true });
});

const metadata = () => join(directory, 'metadata');
const client = (...args: readonly string[]) =>
  verbatim('client', '--metadata-dir', metadata(), '--metadata-url', `${upstream.url}metadata`, ...args);
const download = (...args: readonly string[]) =>
  client('--target-dir', join(directory, 'targets'), '--target-name', TARGET, ...args, 'download');
const downloaded = () => readFile(join(directory, 'targets', encodeURIComponent(TARGET)));
const versionOf = async (role: string) =>
  JSON.parse(await readFile(join(metadata(), `${role}.json`), 'utf8')).signed.version;

describe('how it reaches the repository', () => {
  it('an authority of its own is believed where --ca names it, and not otherwise', async () => {
    await start({ key: TEST_KEY, cert: GOOD });
    const ca = join(directory, 'ca.pem');
    await writeFile(ca, GOOD);
    expect((await client('refresh')).code).toBe(1);
    expect(await client('--ca', ca, 'refresh')).toMatchObject({ code: 0, stderr: '' });
  });

  it('a configuration says the same, and which of its indexes is meant', async () => {
    await start({ key: TEST_KEY, cert: GOOD });
    await writeFile(join(directory, 'ca.pem'), GOOD);
    const file = join(directory, 'verbatim.yaml');
    const index = (name: string, more: string) =>
      `  ${name}: { upstream: "https://${name}.example/", root: root.json${more} }\n`;
    await writeFile(file, `indexes:\n${index('one', '')}${index('two', ', ca: ca.pem')}`);
    expect(await client('--config', file, '--index', 'two', 'refresh')).toMatchObject({ code: 0, stderr: '' });
    expect((await client('--config', file, '--index', 'one', 'refresh')).code).toBe(1);
    const unnamed = await client('--config', file, 'refresh');
    expect(unnamed.stderr).toContain('say which is meant with --index (one, two)');
  });

  it('everything goes through the proxy that --proxy names', async () => {
    await start();
    const proxy = await startProxy();
    try {
      expect(await download('--proxy', proxy.url)).toMatchObject({ code: 0, stderr: '' });
      expect(proxy.asked.length).toBe(upstream.requests.length);
      expect((await downloaded()).equals(BYTES)).toBe(true);
    } finally {
      await proxy.close();
    }
  });

  it('private hosts of the flags join those of the file', async () => {
    await start();
    const file = join(directory, 'verbatim.yaml');
    await writeFile(
      file,
      'indexes: { main: { upstream: "https://one.example/", root: root.json, private_hosts: [files.example] } }\n',
    );
    const { privateHosts } = await clientReach({ config: file, privateHost: ['cdn.example'] }, []);
    expect(privateHosts).toEqual(['files.example', 'cdn.example']);
  });

  it.each(['--metadata-url', '--target-base-url', '--proxy'])(
    'a user name in %s is refused before anything is asked, saying where it goes',
    async (option) => {
      await start();
      const withName = upstream.url.replace('http://', 'http://name:secret@');
      const ended = await download(option, withName);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toMatch(/must not carry a user name or password.*--config/);
      expect(ended.stderr).not.toContain('secret');
      expect(upstream.requests).toEqual([]);
    },
  );

  it('what is no web address is refused', async () => {
    expect(await refusalOf(clientReach({ proxy: 'socks5://127.0.0.1:1' }, []))).toMatchObject({ reason: 'policy' });
    await start();
  });
});

describe('cut connections', () => {
  it.each(['/metadata/timestamp.json', '/metadata/snapshot.json', '/metadata/2.root.json'])(
    'a reset before %s is made up for by another connection',
    async (path) => {
      await start();
      upstream.fault(path, { kind: 'reset' }, 1);
      expect(await client('refresh')).toMatchObject({ code: 0, stderr: '' });
    },
  );

  it.each(['fin', 'rst'] as const)('a target cut by %s in its middle is fetched again, and proved', async (how) => {
    await start();
    upstream.fault(`/targets/${TARGET}`, { kind: 'truncate', at: 50_000, how }, 2);
    expect(await download()).toMatchObject({ code: 0, stderr: '' });
    expect((await downloaded()).equals(BYTES)).toBe(true);
  });

  it('one that is cut each time is given up, and nothing is left', async () => {
    await start();
    upstream.fault(`/targets/${TARGET}`, { kind: 'truncate', at: 50_000 });
    expect((await download()).code).toBe(1);
    expect(upstream.requests.filter(({ url }) => url.endsWith(TARGET))).toHaveLength(3);
    await expect(downloaded()).rejects.toThrow('ENOENT');
  });

  it('bytes that are wrong are not asked for again', async () => {
    await start();
    upstream.fault(`/targets/${TARGET}`, { kind: 'flip', at: 7 });
    expect((await download()).code).toBe(1);
    expect(upstream.requests.filter(({ url }) => url.endsWith(TARGET))).toHaveLength(1);
  });
});

describe('two clients in one directory', () => {
  it('the second waits for the first, however long its upstream takes, and neither goes back', async () => {
    await start();
    const release = Promise.withResolvers<void>();
    upstream.fault('/metadata/timestamp.json', { kind: 'wait', until: release.promise }, 1);
    const first = client('refresh');
    await upstream.reached('/metadata/timestamp.json', 1);
    expect((await refusalOf(() => lockDirectory(metadata(), 0))).reason).toBe('limit');
    const second = client('refresh');
    simulator.repository.publish();
    release.resolve();
    expect(await Promise.all([first, second])).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect([await versionOf('timestamp'), await versionOf('snapshot')]).toEqual([2, 2]);
  });

  it('the lock is free again when its holder has ended', async () => {
    await start();
    lockDirectory(metadata(), 0).release();
    expect((await client('refresh')).code).toBe(0);
    lockDirectory(metadata(), 0).release();
  });
});
