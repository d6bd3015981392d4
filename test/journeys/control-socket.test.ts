import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// What an operator does beside a server is followed by it at once, however fresh its pages are.

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0');

let directory: string;
let data: string;
let pypi: FakePypi;
const servers: RunningVerbatim[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-beside-'));
  data = join(directory, 'data');
  pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
});
afterEach(async () => {
  for (const each of servers.splice(0)) await each.close();
  await pypi.close();
  await rm(directory, { recursive: true });
});

const upstream = () => ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
const serve = async () => {
  const server = await startVerbatim([...upstream(), '--max-age', '86400'], data);
  servers.push(server);
  return server;
};
const run = async (...words: readonly string[]) => {
  const ended = await verbatim(...words, ...upstream(), '--data', data, '--json');
  return { ...ended, said: ended.stdout === '' ? undefined : JSON.parse(ended.stdout) };
};
const names = async ({ simple }: RunningVerbatim): Promise<readonly string[]> => {
  const page = await fetch(`${simple}alpha/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
  const { files }: { files: readonly { filename: string }[] } = JSON.parse(await page.text());
  return files.map(({ filename }) => filename);
};

describe('a server beside which an operator acts', () => {
  it('serves a page that was refreshed, and so does every other one on its data directory', async () => {
    const [one, other] = [await serve(), await serve()];
    for (const server of [one, other]) expect(await names(server)).toEqual([ALPHA.filename]);
    pypi.upload('alpha', NEWER);
    for (const server of [one, other]) expect(await names(server)).toEqual([ALPHA.filename]);
    const asked = pypi.asked('alpha').length;
    expect((await run('refresh', 'main', 'alpha')).said).toMatchObject({ result: 'changed' });
    for (const server of [one, other]) expect(await names(server)).toEqual([ALPHA.filename, NEWER.filename]);
    // One of them asked; the other took what is stored.
    expect(pypi.asked('alpha').length).toBe(asked + 1);
  });

  it('lets through what is accepted', async () => {
    pypi.upload('alpha', NEWER);
    const server = await serve();
    expect(await names(server)).toHaveLength(2);
    pypi.remove('alpha', NEWER.filename);
    expect(await names(server)).toHaveLength(2);
    const { code, said } = await run('accept-change', 'main', 'alpha', NEWER.filename, '--removed', '--reason', 'gone');
    expect([code, said.accepted]).toEqual([0, [expect.objectContaining({ project: 'alpha', file: NEWER.filename })]]);
    expect(await names(server)).toEqual([ALPHA.filename]);
    // Written down before the command ended.
    expect((await run('events')).said).toContainEqual(expect.objectContaining({ kind: 'accepted', project: 'alpha' }));
  });

  it('takes back what a fetch brought in, also while upstream is away', async () => {
    const server = await serve();
    expect(await names(server)).toEqual([ALPHA.filename]);
    const fetch = await withState(data, async (index) => (await index.page('alpha').read())?.value.page?.fetch ?? '');
    pypi.page('alpha', () => ({ status: 502, headers: {}, body: Buffer.from('') }));
    expect(await names(server)).toEqual([ALPHA.filename]);
    const revoked = await run('accept-change', 'main', '--revoke-fetch', fetch, '--reason', 'a bad day');
    expect([revoked.code, revoked.said.accepted.length]).toEqual([0, 2]);
    expect((await globalThis.fetch(`${server.simple}alpha/`)).ok).toBe(false);
  });

  it('does nothing in a rehearsal, and refuses in the same words as without a server', async () => {
    const server = await serve();
    expect(await names(server)).toHaveLength(1);
    const dry = await run('accept-change', 'main', 'alpha', ALPHA.filename, '--removed', '--reason', 'x', '--dry-run');
    expect(dry.said).toMatchObject({ dryRun: true, accepted: [{ file: ALPHA.filename }] });
    expect((await run('events')).said).toEqual([]);
    const beside = await run('accept-change', 'main', 'absent', '--serial', '3', '--reason', 'x');
    await servers.pop()?.close();
    const alone = await run('accept-change', 'main', 'absent', '--serial', '3', '--reason', 'x');
    expect([beside.code, beside.stderr]).toEqual([1, alone.stderr]);
  });

  it('serves all the same where it may not be spoken to, says so, and is followed through the directory', async () => {
    await mkdir(data, { mode: 0o700 });
    await mkdir(join(data, 'control'));
    await chmod(join(data, 'control'), 0o755);
    const server = await serve();
    expect(await names(server)).toEqual([ALPHA.filename]);
    expect(server.log()).toMatch(/"level":"warn".*there is no control socket in .*chmod 700/);
    pypi.upload('alpha', NEWER);
    expect((await run('refresh', 'main', 'alpha')).said).toMatchObject({ result: 'changed' });
  });
});

describe('verbatim status', () => {
  const KEYS = [
    ...['addresses', 'conditions', 'disk', 'fleet', 'holds', 'indexes', 'judged', 'kept', 'now', 'servers', 'store'],
    ...['tampered', 'verdict'],
  ];

  it('says what the server knows, and without one that it does not know', async () => {
    const server = await serve();
    await names(server);
    pypi.page('alpha', () => ({ status: 502, headers: {}, body: Buffer.from('') }));
    await run('refresh', 'main', 'alpha');
    const live = (await run('status')).said;
    expect(Object.keys(live).sort()).toEqual(KEYS);
    expect(live.servers).toMatchObject([{ pid: server.pid, connections: { limit: expect.any(Number) } }]);
    expect(live.servers[0].queues).toContainEqual(expect.objectContaining({ queue: 'documents', index: 'main' }));
    expect(live.indexes[0]).toMatchObject({
      lastRefresh: expect.any(Number),
      lastError: { reason: 'unreachable', message: expect.stringContaining('502') },
      silent: false,
    });

    process.kill(server.pid, 'SIGKILL');
    await expect.poll(server.alive).toBe(false);
    const stored = (await run('status')).said;
    expect(Object.keys(stored).sort()).toEqual(KEYS);
    expect(Object.keys(stored.indexes[0]).sort()).toEqual(Object.keys(live.indexes[0]).sort());
    expect(live.kept.map(({ kind }: { readonly kind: string }) => kind)).toContain('state');
    expect(stored.kept).toEqual(live.kept);
    expect(stored.servers).toEqual([]);
    expect(stored.indexes[0]).toMatchObject({ lastRefresh: null, lastError: null, silent: null });
    const { stdout } = await verbatim('status', ...upstream(), '--data', data);
    expect(stdout).toMatch(/^No server runs on this data directory\./);
  });

  it('says what is not well as /health and the first page do, and what an address is over', async () => {
    const config = join(directory, 'verbatim.yaml');
    const index = { upstream: `${pypi.url}simple/`, evidence: 'index', file_hosts: [`127.0.0.1:${pypi.files.port}`] };
    const all = { of: ['own', 'main'], owned: { own: ['acme-*'] } };
    await writeFile(config, JSON.stringify({ indexes: { main: index, own: index, all } }));
    const server = await startVerbatim(['--config', config], data);
    servers.push(server);
    const introduced = () => server.log().match(/upstream answers as a package index/g);
    await expect.poll(introduced).toHaveLength(2);
    // In the second in which upstream was heard, nothing is amiss.
    const heardBy = Math.floor(Date.now() / 1000);
    await expect.poll(() => Math.floor(Date.now() / 1000)).toBeGreaterThan(heardBy);
    pypi.page('beta', () => ({ status: 502, headers: {}, body: Buffer.from('') }));
    await (await fetch(`${server.simple}beta/`)).text();
    const at = (path: string) => new URL(path, server.simple).href;
    const json = async (path: string) =>
      JSON.parse(await (await fetch(at(path), { headers: { accept: 'application/json' } })).text());

    await expect.poll(async () => (await json('/health')).says).toContain('Upstream does not answer');
    const [health, status] = [
      await json('/health'),
      JSON.parse((await verbatim('status', '--config', config, '--data', data, '--json')).stdout),
    ];
    type Told = { readonly what: string; readonly index: string | null; readonly says: string };
    const whats = (all: readonly Told[]) => all.map(({ what, index: of }) => [what, of]);
    expect([status.verdict.holds, status.verdict.says]).toEqual([health.holds, health.says]);
    expect(whats(status.verdict.troubles)).toEqual(whats([...health.findings, ...health.toKnow]));
    await expect.poll(async () => (await json('/')).says).toBe(health.says);
    expect((await json('/+status')).result.metrics).toContainEqual([
      'verbatim_promise_to_know',
      'gauge',
      health.toKnow.length,
    ]);
    expect(status.addresses).toEqual([{ name: 'all', ...all }]);
    const { stdout } = await verbatim('status', '--config', config, '--data', data);
    expect(stdout).toContain(`- ${health.says}`);
    expect(stdout).toContain("all: one address over own, main: a project is the first one's that has it");
    expect(stdout).toContain('  own alone is asked for: acme-*');
  });

  it('is asked by a configuration whose secrets this user cannot read', async () => {
    const server = await serve();
    await names(server);
    const config = join(directory, 'other.yaml');
    const main = { upstream: `${pypi.url}simple/`, evidence: 'index' };
    await writeFile(config, JSON.stringify({ data, seal_key_file: 'not-here', indexes: { main } }));
    const { code, stdout } = await verbatim('status', '--config', config, '--json');
    expect([code, JSON.parse(stdout).servers.length]).toEqual([0, 1]);
  });
});
