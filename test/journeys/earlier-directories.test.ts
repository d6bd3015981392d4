import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type Mirror, makeScratch, startMirror } from '../rigs/mirror.ts';
import { client } from '../support/callers.ts';
import { createClock } from '../support/clock.ts';
import {
  FILES,
  indexesOf,
  type KindOfDirectory,
  placesIn,
  READ_AT,
  SEAL_KEY,
  type Unpacked,
  unpackDirectory,
  writeConfig,
} from '../support/data-directories.ts';
import { startNamesProxy } from '../support/names-proxy.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { withState } from '../support/state.ts';
import { startUpstream } from '../support/upstream.ts';
import { verbatim } from '../support/verbatim.ts';

// A directory that an earlier release wrote is worth as much under this one: what it proved is served, what it pinned
// holds, and what it saw as newest is not gone below.

const LAYOUTS = (await readdir(fileURLToPath(new URL('../data/', import.meta.url))))
  .flatMap((name) => /^layout-(\d+)$/.exec(name)?.[1] ?? [])
  .map(Number);

/** Nothing listens there: upstream is away. */
const NOWHERE = 'http://127.0.0.1:1/';

interface Stored {
  readonly index: string;
  readonly evidence: 'tuf' | 'index';
}

const INDEXES: Readonly<Record<KindOfDirectory, readonly Stored[]>> = {
  signed: [{ index: 'main', evidence: 'tuf' }],
  unsigned: [{ index: 'main', evidence: 'index' }],
  sealed: [
    { index: 'main', evidence: 'tuf' },
    { index: 'plain', evidence: 'index' },
  ],
};
const KINDS = ['signed', 'unsigned', 'sealed'] as const;
const WITH_SIGNED = ['signed', 'sealed'] as const;
const WITH_UNSIGNED = ['unsigned', 'sealed'] as const;
const unsignedIn = (kind: KindOfDirectory) => (kind === 'sealed' ? 'plain' : 'main');

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function unpacked(layout: number, kind: KindOfDirectory) {
  const scratch = await makeScratch();
  return { scratch, place: await unpackDirectory(layout, kind, scratch) };
}

async function start(layout: number, kind: KindOfDirectory, proxy = NOWHERE): Promise<Mirror> {
  const { scratch, place } = await unpacked(layout, kind);
  const mirror = await startMirror({
    scratch,
    data: place.data,
    seal: place.seal,
    indexes: () => indexesOf(kind, place.root, proxy),
    clock: createClock(READ_AT),
  });
  closers.push(mirror.close);
  return mirror;
}

const isFormer = ({ data }: Unpacked) => readFileSync(join(data, 'VERSION'), 'utf8').trim() === '1';

/** A command that only reads, once the directory is carried over. */
async function command(place: Unpacked, kind: KindOfDirectory, ...args: readonly string[]) {
  if (isFormer(place)) await run(place, kind, 'accept-clock', '--dry-run', '--reason', 'to carry it over');
  return run(place, kind, ...args);
}

async function run(place: Unpacked, kind: KindOfDirectory, ...args: readonly string[]) {
  const config = join(place.data, '..', 'verbatim.yaml');
  await writeConfig(kind, place, NOWHERE, config);
  const time = new Date(READ_AT * 1000).toISOString().replace('.000', '');
  return verbatim(...args, '--config', config, '--reference-time', time);
}

async function pathOf(mirror: Mirror, index: string, project: string, filename: string): Promise<string> {
  const page = `/${index}/simple/${project}/`;
  const { status, body } = await mirror.get(page, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
  expect(status, `${index} ${project}: ${body}`).toBe(200);
  const { files } = JSON.parse(body.toString()) as { files: { filename: string; url: string }[] };
  const file = files.find((each) => each.filename === filename) ?? expect.fail(`${filename} is not listed`);
  return new URL(file.url, `http://mirror${page}`).pathname;
}

describe.each(LAYOUTS)('a data directory of layout %i', (layout) => {
  describe.each(KINDS)('%s', (kind) => {
    it('serves its pages and files while upstream is away', async () => {
      const mirror = await start(layout, kind);
      for (const { index } of INDEXES[kind]) {
        const path = await pathOf(mirror, index, 'alpha', FILES.alphaOne.filename);
        const { status, headers, body } = await mirror.get(path);
        expect({ status, evidence: headers['verbatim-evidence'] }).toEqual({
          status: 200,
          evidence: INDEXES[kind].find((each) => each.index === index)?.evidence,
        });
        expect(body.equals(FILES.alphaOne.bytes)).toBe(true);
      }
      expect(mirror.events.served.some(({ how }) => how === 'upstream')).toBe(false);
    });

    it('explains its files while upstream is away', async () => {
      const mirror = await start(layout, kind);
      for (const { index, evidence } of INDEXES[kind]) {
        const explained = await mirror.index(index).explain(FILES.alphaOne.filename, client());
        expect(explained).toMatchObject({ evidence, kind: 'file', project: 'alpha' });
        // Proved, and seen twice where nobody signed it.
        expect(explained.pinned?.provisional ?? false).toBe(false);
        expect(explained.chain.map(({ role }) => role).slice(0, 2)).toEqual(
          evidence === 'tuf' ? ['root', 'targets'] : [],
        );
        expect(await mirror.index(index).explain('beta', client())).toMatchObject({ kind: 'project', files: 1 });
      }
    });

    it('is told of by status, and proved again by verify', async () => {
      const { place } = await unpacked(layout, kind);
      const status = await command(place, kind, 'status', '--json');
      expect(status.stderr).toBe('');
      const { indexes } = JSON.parse(status.stdout);
      expect(indexes).toMatchObject(INDEXES[kind].map(({ index, evidence }) => ({ name: index, evidence })));
      for (const { evidence, roles } of indexes)
        expect(roles.map(({ role, version }: { role: string; version: number }) => `${role} ${version}`)).toEqual(
          evidence === 'tuf' ? ['root 2', 'timestamp 2', 'snapshot 2', 'targets 1'] : [],
        );

      const verified = await command(place, kind, 'verify', '--json');
      expect(verified.code, verified.stderr).toBe(0);
      const { blobs, wrong: changed, states, delegated } = JSON.parse(verified.stdout);
      expect(blobs).toBeGreaterThan(0);
      expect(changed).toEqual([]);
      for (const { wrong } of [...states, ...delegated]) expect(wrong).toEqual([]);
      expect(states.length + delegated.length).toBe(INDEXES[kind].length);
    });

    const onlyEarlier = layout < 2 ? it : undefined;
    onlyEarlier?.('is not read before it is carried over', async () => {
      const { place } = await unpacked(layout, kind);
      for (const command of [['status'], ['verify'], ['events'], ['explain', 'alpha']])
        expect(await run(place, kind, ...command)).toMatchObject({
          code: 1,
          stdout: '',
          stderr: expect.stringContaining('was written by an earlier Verbatim. "verbatim serve" carries it over'),
        });
    });

    it('tells who was sent a file', async () => {
      const { place } = await unpacked(layout, kind);
      const { stdout } = await command(place, kind, 'who', FILES.alphaOne.filename, '--json');
      expect(JSON.parse(stdout)).toMatchObject([{ client: '127.0.0.1', project: 'alpha' }]);
    });
  });

  it.each(WITH_SIGNED)('relays its signed metadata and delegated roles: %s', async (kind) => {
    const mirror = await start(layout, kind);
    for (const document of ['2.root', 'timestamp', '2.snapshot', '1.targets', '1.claimed'])
      expect((await mirror.get(`/tuf/metadata/${document}.json`)).status, document).toBe(200);
    const path = await pathOf(mirror, 'main', 'claimed-one', FILES.claimed.filename);
    expect((await mirror.get(path)).body.equals(FILES.claimed.bytes)).toBe(true);
  });

  it.each(WITH_SIGNED)('remembers the newest timestamp whose refresh came to nothing: %s', async (kind) => {
    const away = await start(layout, kind);
    // What it serves is what upstream had one publication before the newest timestamp.
    const documents = new Map<string, Uint8Array>();
    for (const name of ['1.root', '2.root', 'timestamp', '2.snapshot', '1.targets'])
      documents.set(`metadata/${name}.json`, (await away.get(`/tuf/metadata/${name}.json`)).body);
    const upstream = await startUpstream({ files: pep458Paths(documents) });
    const proxy = await startNamesProxy(new Map([['signed.index.test', upstream.port]]));
    closers.push(upstream.close, proxy.close);
    const mirror = await start(layout, kind, proxy.url);
    await expect(mirror.index().signed?.refresh()).rejects.toMatchObject({ reason: 'rollback', subject: 'timestamp' });
  });

  it.each(WITH_UNSIGNED)('keeps pins, the page that is gone and what upstream did: %s', async (kind) => {
    const index = unsignedIn(kind);
    const mirror = await start(layout, kind);
    const beta = await mirror.index(index).explain(FILES.beta.filename, client());
    expect(beta.pinned).toMatchObject({ provisional: true });
    // A page that is gone is not at hand any more, and upstream cannot be asked for another.
    expect((await mirror.get(`/${index}/simple/gone/`)).status).toBe(503);

    const { place } = await unpacked(layout, kind);
    const { stdout } = await command(place, kind, 'events', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { index, kind: 'yanked', project: 'alpha', file: FILES.alphaTwo.filename },
      { index, kind: 'removed', project: 'gone' },
      { index, kind: 'accepted', project: 'alpha', file: FILES.alphaTwo.filename },
    ]);
  });

  it.each(WITH_UNSIGNED)('holds a project that comes back to the serial it left with: %s', async (kind) => {
    const older = {
      meta: { 'api-version': '1.1' },
      name: 'gone',
      versions: ['1.0'],
      files: [{ filename: FILES.gone.filename, url: 'gone.whl', hashes: { sha256: 'a'.repeat(64) }, size: 1 }],
    };
    const upstream = await startUpstream({
      handler: (_, response) =>
        response
          .writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json', 'x-pypi-last-serial': '7' })
          .end(JSON.stringify(older)),
    });
    const proxy = await startNamesProxy(new Map([['plain.index.test', upstream.port]]));
    closers.push(upstream.close, proxy.close);
    const mirror = await start(layout, kind, proxy.url);
    expect(await mirror.refused(`/${unsignedIn(kind)}/simple/gone/`)).toBe('502 regressed');
  });

  it.each(KINDS)('keeps its audit trail: %s', async (kind) => {
    const mirror = await start(layout, kind);
    await mirror.stop();
    const { seal } = placesIn(join(mirror.data(), '..'), kind);
    const sealing = seal && { sealKey: Buffer.from(SEAL_KEY), sealEpochFile: seal.epoch };
    for (const { index, evidence } of INDEXES[kind]) {
      const facts = await withState(mirror.data(), ({ facts }) => facts.read(), { ...sealing, index });
      expect(facts?.value.audit).toMatchObject([
        evidence === 'tuf'
          ? { action: 'new-trust', reason: 'a rehearsal: begin again from the pinned root' }
          : { action: expect.stringContaining('accept-change alpha'), reason: 'ticket 7' },
      ]);
    }
    await mirror.start();
  });
});
