import type { ChildProcess } from 'node:child_process';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { makeScratch } from '../rigs/mirror.ts';
import { KEYS } from '../rigs/signed-rig.ts';
import { ELSEWHERE, GOOD, TEST_KEY } from '../support/certificates.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { node22 } from '../support/node22.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';
import { verbatim } from '../support/verbatim.ts';
import { askAnew, endWorkers, WorkersRun } from '../support/workers.ts';

const old = await node22();

// Several processes are one server: what one of them learns the others know, and what is asked of one is answered for all.

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0');
const JSON_PAGE = { accept: 'application/vnd.pypi.simple.v1+json' };

let directory: string;
let data: string;
let pypi: FakePypi;
let child: ChildProcess | undefined;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  directory = await makeScratch();
  data = join(directory, 'data');
  pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
});
afterEach(async () => {
  await endWorkers(child);
  child = undefined;
  for (const close of closers.splice(0).reverse()) await close();
  await pypi.close();
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 250 });
});

const upstream = () => ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
const serve = async (flags: readonly string[], node?: string) => {
  const onChild = (started: ChildProcess) => {
    child = started;
  };
  const server = await WorkersRun.start([...flags, '--data', data], { onChild, ...(node !== undefined && { node }) });
  return server.all();
};
const run = async (flags: readonly string[], ...words: readonly string[]) => {
  const { code, stdout } = await verbatim(...words, ...flags, '--data', data, '--json');
  expect(code).toBe(0);
  return JSON.parse(stdout);
};
interface Listed {
  readonly filename: string;
  readonly url: string;
}
const files = async (url: string): Promise<readonly Listed[]> => {
  const page: { readonly files: readonly Listed[] } = JSON.parse(
    await (await askAnew(`${url}/simple/alpha/`, JSON_PAGE)).text(),
  );
  return page.files;
};

/** As often as it takes for both to have answered several times. */
const TIMES = 8;
const each = async <T>(ask: () => Promise<T>): Promise<readonly T[]> => {
  const answers: T[] = [];
  for (let at = 0; at < TIMES; at++) answers.push(await ask());
  return answers;
};
const always = <T>(answer: T) => Array.from({ length: TIMES }, () => answer);

describe('several workers of one server', () => {
  it('all serve what one of them was told to look at anew', async () => {
    const flags = [...upstream(), '--max-age', '86400'];
    const { url } = await serve(flags);
    const names = async () => (await files(url)).map(({ filename }) => filename);
    expect(await each(names)).toEqual(always([ALPHA.filename]));
    pypi.upload('alpha', NEWER);
    const asked = pypi.asked('alpha').length;
    expect(await run(flags, 'refresh', 'main', 'alpha')).toMatchObject({ result: 'changed' });
    expect(await each(names)).toEqual(always([ALPHA.filename, NEWER.filename]));
    expect(pypi.asked('alpha')).toHaveLength(asked + 1);
    pypi.remove('alpha', NEWER.filename);
    await run(flags, 'accept-change', 'main', 'alpha', NEWER.filename, '--removed', '--reason', 'gone');
    expect(await each(names)).toEqual(always([ALPHA.filename]));
  });

  it('ask upstream once for a page or the list that both have clients for', async () => {
    pypi.upload('beta', tinyWheel('beta'));
    const { url } = await serve(upstream());
    // It looks at the list and the first project when it starts.
    await expect.poll(() => pypi.asked('alpha').length).toBe(1);
    for (const [path, word] of [
      ['/simple/beta/', 'beta-1.0'],
      ['/simple/', 'beta'],
    ] as const) {
      const before = pypi.index.asked(path).length;
      const gate = Promise.withResolvers<void>();
      pypi.index.fault(path, { kind: 'wait', until: gate.promise });
      const asking = Array.from({ length: TIMES }, () => askAnew(`${url}${path}`, JSON_PAGE));
      await expect.poll(() => pypi.index.asked(path).length).toBeGreaterThan(before);
      // Both have theirs: who was connected later is answered.
      for (const answer of await each(() => askAnew(`${url}/livez`))) expect(answer.status).toBe(200);
      gate.resolve();
      for (const answer of await Promise.all(asking)) expect(await answer.text()).toContain(word);
      expect(pypi.index.asked(path)).toHaveLength(before + 1);
      pypi.index.heal();
    }
  });

  it('are one in status, who and events', async () => {
    const flags = upstream();
    const { url, child: supervisor } = await serve(flags);
    const [file] = await files(url);
    if (file === undefined) throw new Error('the page is empty');
    const at = new URL(file.url, `${url}/simple/alpha/`).href;
    for (const answer of await each(() => askAnew(at)))
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(ALPHA.bytes);
    const { servers, indexes } = await run(flags, 'status');
    expect(servers).toMatchObject([
      { pid: supervisor.pid, workers: { configured: 2, answering: 2 }, connections: { limit: expect.any(Number) } },
    ]);
    expect(indexes).toMatchObject([{ name: 'main', lastRefresh: expect.any(Number), lastError: null }]);
    expect((await readdir(join(data, 'control'))).length).toBe(1);
    expect((await verbatim('status', ...flags, '--data', data)).stdout).toContain('workers: 2 of 2 answer');
    // The same client is recorded by each, and told once.
    expect(await run(flags, 'who', ALPHA.filename)).toMatchObject([
      { client: '127.0.0.1', project: 'alpha', count: 2 },
    ]);
  });

  it('fetch each file once, and hold no more than the limit together', async () => {
    const bytes = 100_000;
    const wheels = Array.from({ length: 12 }, (_, at) => ({
      filename: `alpha-${at + 3}.0-py3-none-any.whl`,
      bytes: Buffer.alloc(bytes, `wheel ${at}`),
    }));
    for (const wheel of wheels) pypi.upload('alpha', wheel);
    const limit = 5 * bytes;
    const flags = [...upstream(), '--max-bytes', String(limit)];
    const { url } = await serve(flags);
    for (const file of await files(url)) {
      const answer = await askAnew(new URL(file.url, `${url}/simple/alpha/`).href);
      await answer.arrayBuffer();
      expect(answer.status).toBe(200);
    }
    for (const wheel of wheels) expect(pypi.files.asked(pypi.storedAt(wheel))).toHaveLength(1);
    const onDisk = async () => {
      const names = await readdir(join(data, 'blobs'), { recursive: true, withFileTypes: true });
      const sizes = await Promise.all(
        names
          .filter((entry) => entry.isFile())
          .map(({ parentPath, name }) => stat(join(parentPath, name)).then(({ size }) => size)),
      );
      return sizes.reduce((sum, size) => sum + size, 0);
    };
    await expect.poll(onDisk, { timeout: 20_000 }).toBeLessThanOrEqual(limit);
    // Both know of all of it: neither took more than had to go.
    expect(await onDisk()).toBeGreaterThan(limit - 2 * bytes);
    expect((await run(flags, 'status')).store.bytes).toBeLessThanOrEqual(limit);
  });

  it('never serve an older timestamp than either served before, and all follow within a second', async () => {
    const signed = new SignedIndex({
      keys: KEYS,
      binBits: 2,
      pageFormat: 'json',
      now: () => Math.floor(Date.now() / 1000),
    });
    signed.upload('alpha', ALPHA);
    signed.publish();
    const root = join(directory, 'root.json');
    const first = pep458Paths(signed.repository.files).get('metadata/1.root.json');
    if (first === undefined) throw new Error('there is no root');
    await writeFile(root, first);
    const origin = await startUpstream({ files: { get: (path) => pep458Paths(signed.repository.files).get(path) } });
    closers.push(() => origin.close());
    const flags = ['--upstream', origin.url, '--layout', 'pep458', '--root', root, '--refresh', '1'];
    const { url } = await serve(flags);
    const version = async (): Promise<number> =>
      JSON.parse(await (await askAnew(`${url}/tuf/metadata/timestamp.json`)).text()).signed.version;
    expect(await version()).toBeGreaterThan(0);
    const seen: number[] = [];
    let isOver = false;
    const asking = (async () => {
      while (!isOver) seen.push(await version());
    })();
    for (let published = 0; published < 5; published++) {
      signed.upload('alpha', tinyWheel('alpha', `${published + 2}.0`));
      signed.publish();
      const newest = signed.repository.timestamp.version;
      await expect.poll(() => seen.at(-1), { timeout: 10_000, interval: 20 }).toBe(newest);
      expect(await each(version)).toEqual(always(newest));
    }
    isOver = true;
    await asking;
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(new Set(seen).size).toBeGreaterThan(4);
  });

  it('speak TLS, and have another certificate after SIGHUP', async () => {
    const config = join(directory, 'verbatim.yaml');
    const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    await writeFile(cert, GOOD);
    await writeFile(key, TEST_KEY, { mode: 0o600 });
    await writeFile(config, `server:\n  tls: { cert: ${cert}, key: ${key} }\n`);
    const server = await serve([...upstream(), '--config', config]);
    const presented = () =>
      new Promise<string>((resolve, reject) => {
        const sent = request(`${server.url}/livez`, { rejectUnauthorized: false, agent: false }, (response) => {
          const socket = response.socket as { getPeerX509Certificate?: () => { readonly subjectAltName?: string } };
          resolve(`${response.statusCode} ${socket.getPeerX509Certificate?.().subjectAltName}`);
          response.resume();
        });
        sent.on('error', reject);
        sent.end();
      });
    const [before] = await each(presented);
    expect(before).toMatch(/^200 /);
    expect(await each(presented)).toEqual(always(before));
    await writeFile(cert, ELSEWHERE);
    server.child.kill('SIGHUP');
    await server.line('read again: the certificate');
    await expect.poll(async () => new Set(await each(presented)).size, { timeout: 10_000 }).toBe(1);
    expect(await presented()).not.toBe(before);
  });

  it.skipIf(old === undefined)('run on node 22, too', async () => {
    const flags = upstream();
    const server = await serve(flags, old);
    const names = async () => (await files(server.url)).map(({ filename }) => filename);
    expect(await each(names)).toEqual(always([ALPHA.filename]));
    const [victim] = server.workers;
    if (victim === undefined) throw new Error('no worker runs');
    process.kill(victim, 'SIGKILL');
    const number = /worker (\d) ended/.exec(await server.line('ended (SIGKILL)'))?.[1];
    await server.line(`worker ${number} answers`);
    expect(await each(names)).toEqual(always([ALPHA.filename]));
    expect((await run(flags, 'status')).servers).toMatchObject([{ workers: { configured: 2, answering: 2 } }]);
  });
});
