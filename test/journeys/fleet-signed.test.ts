import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { fetch } from '../support/fetch.ts';
import { authority } from '../support/keys.ts';
import { now } from '../support/rig.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { type S3Call, startS3Server } from '../support/s3-server.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';
import { type RunningVerbatim, startVerbatim, verbatimWith } from '../support/verbatim.ts';

// Replicas of a signed index, each a process with a data directory and an edge of upstream of its own, which share their state in an object store.

const ALPHA = tinyWheel('alpha');
const LATER = tinyWheel('alpha', '2.0');
const ENV = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
const PATIENCE = { timeout: 60_000, interval: 50 };

/** An edge of upstream has what upstream had when it was frozen. */
interface Edge {
  readonly url: string;
  freeze(): void;
  thaw(): void;
}

async function fleet() {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-fleet-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'seal.key'), 'what all replicas of this test know');
  const s3 = await startS3Server();
  onTestFinished(() => s3.close());
  const signed = new SignedIndex({
    keys: {
      root: authority(['root 1', 'root 2']),
      targets: authority(['targets 1', 'targets 2']),
      bins: authority(['bins']),
      online: authority(['online']),
    },
    now,
    binBits: 2,
    pageFormat: 'json',
  });
  signed.upload('alpha', ALPHA);
  signed.publish();
  const root = join(directory, '1.root.json');
  await writeFile(root, signed.repository.files.get('metadata/1.root.json') ?? '');

  const edge = async (): Promise<Edge> => {
    let frozen: ReadonlyMap<string, Uint8Array> | undefined;
    const files = { get: (path: string) => (frozen ?? signed.repository.files).get(path) };
    const upstream = await startUpstream({ files });
    onTestFinished(() => upstream.close());
    return {
      url: upstream.url,
      freeze: () => {
        frozen = new Map(signed.repository.files);
      },
      thaw: () => {
        frozen = undefined;
      },
    };
  };
  const started = new Map<string, readonly string[]>();
  // Registered before all replicas and edges: run when these have ended.
  onTestFinished(async () => {
    s3.heal();
    for (const [name, flags] of started) await isWhole(join(directory, name), flags);
  });
  const flagsTo = ({ url }: Edge) => [
    ...['--upstream', url, '--root', root, '--layout', 'pep458'],
    ...['--files-url', `${url}targets/`, '--pages-url', `${url}targets/`],
    ...['--seal-key-file', join(directory, 'seal.key')],
    ...['--fleet-state', `s3://${S3_BUCKET}/fleet?endpoint=${s3.url}`],
  ];
  return {
    signed,
    s3,
    edge,
    async serve(name: string, at: Edge): Promise<RunningVerbatim> {
      started.set(name, flagsTo(at));
      const server = await startVerbatim(flagsTo(at), join(directory, name), { env: ENV });
      onTestFinished(() => server.close());
      return server;
    },
    refresh: (name: string, at: Edge) =>
      verbatimWith(ENV, 'refresh', 'main', 'alpha', ...flagsTo(at), '--data', join(directory, name), '--json'),
    publish() {
      signed.upload('alpha', LATER);
      signed.publish();
    },
  };
}

/** By data directory, what clients were sent last: versions of roles, and what alpha lists. */
const sent = { versions: new Map<string, number>(), alphas: new Map<string, readonly string[]>() };

/** What lies there proves again, and what was sent is sent where upstream is away. */
async function isWhole(data: string, flags: readonly string[]): Promise<void> {
  expect(await verbatimWith(ENV, 'verify', ...flags, '--data', data)).toMatchObject({ code: 0 });
  const [timestamp, listed] = [sent.versions.get(`${data} timestamp`), sent.alphas.get(data)];
  if (timestamp === undefined) throw new Error('it was asked for no timestamp');
  const server = await startVerbatim(flags, data, { env: ENV });
  expect(await versionOf(server, 'timestamp')).toBeGreaterThanOrEqual(timestamp);
  if (listed !== undefined) expect(await alphas(server)).toEqual(listed);
  await server.close();
}

async function versionOf({ metadata, data }: RunningVerbatim, role: string): Promise<number | undefined> {
  const answer = await fetch(`${metadata}${role}.json`);
  const text = await answer.text();
  if (!answer.ok) return undefined;
  const version = Number(JSON.parse(text).signed.version);
  sent.versions.set(`${data} ${role}`, version);
  return version;
}

/** Upstream has version 2 under new keys, and one replica, whose name is `one`, believes it. */
async function ahead() {
  const made = await fleet();
  const edge = await made.edge();
  const old = await made.edge();
  old.freeze();
  const one = await made.serve('one', edge);
  await vi.waitFor(async () => expect(await versionOf(one, 'timestamp')).toBe(1), PATIENCE);
  made.signed.repository.rotate('timestamp', authority(['online 2']));
  made.signed.repository.publishRoot();
  made.publish();
  expect(await made.refresh('one', edge)).toMatchObject({ code: 0 });
  const version = await versionOf(one, 'timestamp');
  expect(version).toBeGreaterThan(1);
  return { ...made, one, edge, old, version };
}

const alphas = async ({ simple, data }: RunningVerbatim) => {
  const answer = await fetch(`${simple}alpha/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
  const { files }: { files: readonly { filename: string }[] } = JSON.parse(await answer.text());
  const names = files.map(({ filename }) => filename);
  sent.alphas.set(data, names);
  return names;
};

it('one on an empty disk has the roots and the newest timestamp of its sisters, whatever its edge of upstream says', async () => {
  const { serve, refresh, old, version, edge, one } = await ahead();
  const joined = await serve('joined', old);
  expect(await versionOf(joined, 'timestamp')).toBe(version);
  expect(await versionOf(joined, '2.root')).toBe(2);
  const refused = await refresh('joined', old);
  expect(refused.stdout + refused.stderr).toContain('threshold');
  expect(await versionOf(joined, 'timestamp')).toBe(version);
  // Its edge lacks the documents of the newest version, and its sisters' state has those that say what is in force.
  expect(await alphas(one)).toEqual([ALPHA.filename, LATER.filename]);
  const other = await serve('other', edge);
  expect(await versionOf(other, 'timestamp')).toBe(version);
  expect(await alphas(other)).toEqual([ALPHA.filename, LATER.filename]);
}, 240_000);

it('one that runs follows what another published, though its own edge stays behind', async () => {
  const { publish, serve, refresh, old, edge, one } = await ahead();
  const two = await serve('two', old);
  publish();
  await refresh('one', edge);
  const newest = await versionOf(one, 'timestamp');
  await vi.waitFor(async () => expect(await versionOf(two, 'timestamp')).toBe(newest), PATIENCE);
}, 240_000);

it('one that is killed between a floor and what it names leaves the floor to its sisters', async () => {
  const made = await fleet();
  const edge = await made.edge();
  const one = await made.serve('one', edge);
  await vi.waitFor(async () => expect(await versionOf(one, 'timestamp')).toBe(1), PATIENCE);
  const old = await made.edge();
  old.freeze();
  made.publish();
  // The entry of the floor is written; the one that makes current what it names never is.
  let isHeld = false;
  made.s3.misbehave((call: S3Call) => {
    if (call.method !== 'PUT' || !call.key.includes('/log/') || !call.body.includes('"tuf","current"')) return false;
    isHeld = true;
    process.kill(one.pid, 'SIGKILL');
    return true;
  });
  const ended = made.refresh('one', edge);
  await vi.waitFor(() => expect(isHeld).toBe(true), PATIENCE);
  await ended;
  made.s3.heal();
  const joined = await made.serve('joined', old);
  expect(await versionOf(joined, 'timestamp')).toBe(1);
  const refused = await made.refresh('joined', old);
  expect(refused.stdout + refused.stderr).toContain('rollback');
  old.thaw();
  expect(await made.refresh('joined', old)).toMatchObject({ code: 0 });
  expect(await versionOf(joined, 'timestamp')).toBe(2);
}, 240_000);

it('a write whose answer is cut off is read back, and counts', async () => {
  const made = await fleet();
  const edge = await made.edge();
  let cut = 0;
  made.s3.misbehave((call: S3Call, response) => {
    if (call.method !== 'PUT' || !call.key.includes('/log/')) return false;
    cut++;
    response.writeHead = () => response.destroy();
    response.end = () => response.destroy();
    return false;
  });
  const one = await made.serve('one', edge);
  await vi.waitFor(async () => expect(await versionOf(one, 'timestamp')).toBe(1), PATIENCE);
  made.publish();
  expect(await made.refresh('one', edge)).toMatchObject({ code: 0 });
  expect(cut).toBeGreaterThan(2);
  made.s3.heal();
  const joined = await made.serve('joined', edge);
  expect(await versionOf(joined, 'timestamp')).toBe(2);
}, 240_000);
