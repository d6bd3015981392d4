import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { fetch } from '../support/fetch.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { error, type S3Server, startS3Server } from '../support/s3-server.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatimWith } from '../support/verbatim.ts';

// Replicas with a data directory each, which share nothing but a store that creates objects where there are none.

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');
const ENV = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
/** What is refused for a while is had again within this time. */
const PATIENCE = { timeout: 60_000, interval: 50 };

let directory: string;
let pypi: FakePypi;
let s3: S3Server;
const servers: RunningVerbatim[] = [];
/** By name of a replica: how it was started last, and what it listed last. */
const started = new Map<string, readonly string[]>();
const listed = new Map<string, readonly string[]>();
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-fleet-'));
  await writeFile(join(directory, 'seal.key'), 'what all replicas of this test know');
  pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
  s3 = await startS3Server();
});
afterEach(async () => {
  for (const each of servers.splice(0)) await each.close();
  await pypi.close();
  s3.heal();
  for (const [name, names] of listed) await isWhole(name, names);
  started.clear();
  listed.clear();
  await s3.close();
  await rm(directory, { recursive: true });
});

const alone = () => [
  ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
  ...['--seal-key-file', join(directory, 'seal.key')],
];
const flags = () => [...alone(), ...['--fleet-state', `s3://${S3_BUCKET}/fleet?endpoint=${s3.url}`]];
const serve = async (name: string, given: readonly string[] = flags(), ...more: readonly string[]) => {
  const server = await startVerbatim([...given, ...more, '--max-age', '86400'], join(directory, name), { env: ENV });
  started.set(name, given);
  servers.push(server);
  return server;
};
const stop = async (server: RunningVerbatim) => {
  servers.splice(servers.indexOf(server), 1);
  await server.close();
};
const run = (name: string, ...words: readonly string[]) =>
  verbatimWith(ENV, ...words, ...flags(), '--data', join(directory, name), '--json');
const page = ({ simple }: RunningVerbatim, project: string) =>
  fetch(`${simple}${project}/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
const names = async (server: RunningVerbatim) => {
  const { files }: { files: readonly { filename: string }[] } = JSON.parse(await (await page(server, 'alpha')).text());
  const names = files.map(({ filename }) => filename);
  listed.set(basename(server.data), names);
  return names;
};
/** What lies there proves again, and is listed as it was where upstream is away. */
async function isWhole(name: string, was: readonly string[]): Promise<void> {
  const given = started.get(name) ?? [];
  expect(await verbatimWith(ENV, 'verify', ...given, '--data', join(directory, name))).toMatchObject({ code: 0 });
  expect(await names(await serve(name, given))).toEqual(was);
  for (const each of servers.splice(0)) await each.close();
}

describe('replicas that share their state in an object store', () => {
  it('serve what one of them found out, and what an operator accepted beside one of them', async () => {
    const [one, other] = [await serve('one'), await serve('other')];
    for (const server of [one, other]) expect(await names(server)).toEqual([ALPHA.filename]);
    pypi.upload('alpha', NEWER);
    const asked = pypi.asked('alpha').length;
    expect((await run('one', 'refresh', 'main', 'alpha')).code).toBe(0);
    await vi.waitFor(async () => expect(await names(other)).toEqual([ALPHA.filename, NEWER.filename]), PATIENCE);
    expect(await names(one)).toEqual([ALPHA.filename, NEWER.filename]);
    expect(pypi.asked('alpha').length).toBe(asked + 1);
    pypi.remove('alpha', NEWER.filename);
    const accept = ['accept-change', 'main', 'alpha', NEWER.filename, '--removed', '--reason', 'gone'];
    expect(await run('one', ...accept)).toMatchObject({ code: 0 });
    for (const server of [one, other])
      await vi.waitFor(async () => expect(await names(server)).toEqual([ALPHA.filename]), PATIENCE);
  });

  it('are founded by a mirror that was alone, with all that it remembers; one with other floors is refused', async () => {
    pypi.upload('alpha', NEWER);
    const one = await serve('one', alone());
    expect(await names(one)).toHaveLength(2);
    await stop(one);
    // Upstream was put back, and another mirror knows it so.
    pypi.remove('alpha', NEWER.filename);
    const second = await serve('second', alone());
    expect(await names(second)).toHaveLength(1);
    await stop(second);
    const founder = await serve('one');
    expect(founder.log()).toContain('founded a fleet with all that it remembers');
    expect(await names(await serve('joined'))).toHaveLength(2);
    await expect(serve('second')).rejects.toThrow('is not what the fleet was founded with');
    expect(await run('second', 'verify')).toMatchObject({ code: 0 });
    expect(await names(founder)).toHaveLength(2);
  });

  it('say how they stand to each other', async () => {
    const one = await serve('one', flags(), '--admin-port', '0');
    await names(one);
    const standing = async () => JSON.parse((await run('one', 'status')).stdout).fleet[0];
    expect(await standing()).toMatchObject({ index: 'main', entry: expect.any(Number), alone: null });
    const metric = async (name: string) => {
      const text = await (await fetch(one.metrics ?? '')).text();
      return Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`verbatim_fleet_${name}{index="main"`))
          ?.split(' ')[1],
      );
    };
    expect(await metric('entry')).toBeGreaterThan(0);
    expect(await metric('alone')).toBe(0);
    s3.misbehave((_, response) => response.destroy() !== undefined);
    await vi.waitFor(async () => expect((await standing()).alone?.why).toContain('cannot be used'), PATIENCE);
    expect(await metric('alone')).toBe(1);
    expect(await metric('failed_looks_total')).toBeGreaterThan(0);
    const followed = await metric('followed_timestamp_seconds');
    expect(await metric('followed_timestamp_seconds')).toBe(followed);
    s3.heal();
    await vi.waitFor(async () => expect((await standing()).alone).toBe(null), PATIENCE);
    expect((await run('one', 'status')).stdout).not.toContain('partitioned');
  });

  it('keep one that joins with an empty disk from what is older than what they saw', async () => {
    pypi.upload('alpha', NEWER);
    const one = await serve('one');
    expect(await names(one)).toHaveLength(2);
    // Upstream was put back.
    pypi.remove('alpha', NEWER.filename);
    const joined = await serve('joined');
    expect(await names(joined)).toHaveLength(2);
  });

  it('serve what they hold while the store is away, believe nothing new, say so, and go on when it is back', async () => {
    const one = await serve('one');
    expect(await names(one)).toEqual([ALPHA.filename]);
    pypi.upload('beta', BETA);
    s3.misbehave((_, response) => response.destroy() !== undefined);
    expect((await page(one, 'beta')).status).toBe(503);
    expect(await names(one)).toEqual([ALPHA.filename]);
    await vi.waitFor(() => expect(one.log()).toContain('stands alone'), PATIENCE);
    s3.heal();
    await vi.waitFor(async () => expect((await page(one, 'beta')).status).toBe(200), PATIENCE);
    // One that starts meanwhile has its copy, or nothing at all.
    await stop(one);
    s3.misbehave((_, response) => response.destroy() !== undefined);
    expect(await names(await serve('one'))).toEqual([ALPHA.filename]);
    await expect(serve('empty')).rejects.toThrow('fleet');
  });

  it('are refused a store that does not keep to its conditions', async () => {
    s3.misbehave(({ headers }) => {
      delete headers['if-none-match'];
      return false;
    });
    await expect(serve('one')).rejects.toThrow('If-None-Match is ignored');
    expect([...s3.objects.keys()].filter((key) => key.includes('state/'))).toEqual([]);
  });

  it('are refused a store that was emptied', async () => {
    const one = await serve('one');
    await names(one);
    await stop(one);
    s3.objects.clear();
    await expect(serve('one')).rejects.toThrow('it was emptied');
    // Nor does it begin anew by itself: what it has is proved, and not served.
    expect(await run('one', 'verify')).toMatchObject({ code: 0 });
    listed.clear();
  });

  it('are refused keys that the store does not take, where they hold nothing', async () => {
    s3.misbehave((_, response) => error(response, 403, 'AccessDenied') !== undefined);
    await expect(serve('one')).rejects.toThrow('the store refuses it (403 AccessDenied)');
  });
});
