import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chunksOf, partOf, readHead, readMember } from '../../src/bundle/format/archive.ts';
import { type ManifestLine, readManifest } from '../../src/bundle/format/manifest-reader.ts';
import type { Entry } from '../../src/bundle/format/model.ts';
import { openSeal } from '../../src/bundle/format/seal.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { bytesOf } from '../support/bundles.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { type TinyWheel, tinyWheel, zip } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim, verbatimWith } from '../support/verbatim.ts';

// What is held of an index, written as bundles that another site can take in.

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');
const run = promisify(execFile);

let scratch: string;
let pypi: FakePypi;
let server: RunningVerbatim;
/** A data directory that was filled, to be copied. */
let filled: string;
let room: string;
let data: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-export-'));
  pypi = await startFakePypi();
  filled = join(scratch, 'filled');
  for (const [project, wheel] of [
    ['alpha', ALPHA],
    ['beta', BETA],
  ] as const)
    pypi.upload(project, wheel);
  await serving(filled, async () => {
    for (const [project, wheel] of [
      ['alpha', ALPHA],
      ['beta', BETA],
    ] as const)
      await fetched(project, wheel);
  });
});
afterAll(async () => {
  await pypi.close();
  await rm(scratch, { recursive: true });
});
beforeEach(async () => {
  room = await mkdtemp(join(scratch, 'one-'));
  data = join(room, 'data');
  await cp(filled, data, { recursive: true, preserveTimestamps: true });
});

const upstream = () => ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
const get = async (path: string) => (await fetch(new URL(path, server.simple))).arrayBuffer();

async function serving(at: string, work: () => Promise<void>): Promise<void> {
  server = await startVerbatim(upstream(), at);
  await work();
  await server.close();
}

async function fetched(project: string, wheel: ReturnType<typeof tinyWheel>): Promise<void> {
  await get(`${project}/`);
  await get(pypi.storedAt(wheel));
  await get(`${pypi.storedAt(wheel)}.metadata`);
}

async function made(...words: readonly string[]) {
  const { code, stdout, stderr } = await verbatim('export', room, ...words, ...upstream(), '--data', data, '--json');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

async function refused(...words: readonly string[]): Promise<string> {
  const { code, stderr } = await verbatim('export', room, ...words, ...upstream(), '--data', data, '--json');
  expect(code).toBe(1);
  return stderr;
}

async function linesOf(file: string): Promise<readonly ManifestLine[]> {
  const bundle = bytesOf(await readFile(file));
  const { manifest } = await readHead(bundle);
  const lines: ManifestLine[] = [];
  for await (const line of readManifest(chunksOf(bundle, manifest.position, manifest.size))) lines.push(line);
  return lines;
}

/** Every content that a bundle carries, by what it is. */
async function contentsOf(file: string): Promise<ReadonlyMap<string, Buffer>> {
  const bundle = bytesOf(await readFile(file));
  const body = partOf(bundle, (await readHead(bundle)).end);
  const contents = new Map<string, Buffer>();
  for (const line of await linesOf(file)) {
    if (line.line !== 'entry' || line.member === undefined) continue;
    const parts: Buffer[] = [];
    for await (const chunk of readMember(body, line.entry, line.member)) parts.push(Buffer.from(chunk));
    contents.set(named(line.entry), Buffer.concat(parts));
  }
  return contents;
}

const named = ({ kind, project, name }: Entry) => [kind, project, name].filter((part) => part !== undefined).join(' ');
const entriesOf = (lines: readonly ManifestLine[]) =>
  lines.flatMap((line) => (line.line === 'entry' ? [line.entry] : []));
const changesOf = (lines: readonly ManifestLine[]) =>
  lines.flatMap((line) => (line.line === 'change' ? [line.change] : []));

describe('a complete bundle', () => {
  it('carries pages, core metadata and files byte for byte as upstream gave them', async () => {
    const { path, number, base } = await made();
    expect([number, base]).toEqual([1, undefined]);
    const contents = await contentsOf(join(path, 'bundle.tar'));
    expect([...contents.keys()]).toEqual([
      'report',
      'sbom',
      'page alpha',
      `file alpha ${ALPHA.filename}`,
      `core-metadata alpha ${ALPHA.filename}`,
      'page beta',
      `file beta ${BETA.filename}`,
      `core-metadata beta ${BETA.filename}`,
    ]);
    expect(contents.get(`file alpha ${ALPHA.filename}`)).toEqual(Buffer.from(ALPHA.bytes));
    expect(JSON.parse(contents.get('page alpha')?.toString() ?? '').name).toBe('alpha');
    const page = entriesOf(await linesOf(join(path, 'bundle.tar'))).find(({ kind }) => kind === 'page');
    expect(page).toMatchObject({
      url: `${pypi.url}simple/alpha/`,
      type: 'application/vnd.pypi.simple.v1+json',
      confirmed: expect.stringMatching(/^20/),
    });
  });

  it('has the sums of its files, a report in words, and an SBOM beside it', async () => {
    const { path } = await made();
    expect((await readdir(path)).sort()).toEqual(['SHA256SUMS', 'bundle.tar', 'report.txt', 'sbom.cdx.json']);
    const { stdout } = await run('sha256sum', ['-c', 'SHA256SUMS'], { cwd: path });
    expect(stdout.trim().split('\n')).toHaveLength(3);
    const report = await readFile(join(path, 'report.txt'), 'utf8');
    expect(report).toContain('It carries 2 files of 2 releases');
    expect(report).toContain('- alpha 1.0: 1 file, 0.0 MB');
    const { components, specVersion } = JSON.parse(await readFile(join(path, 'sbom.cdx.json'), 'utf8'));
    expect(specVersion).toBe('1.6');
    expect(components).toHaveLength(2);
    expect(components[0]).toMatchObject({
      name: 'alpha',
      version: '1.0',
      purl: `pkg:pypi/alpha@1.0?file_name=${encodeURIComponent(ALPHA.filename)}`,
      hashes: [{ alg: 'SHA-256', content: sha256Hex(ALPHA.bytes) }],
    });
  });

  it('states the licence of a wheel whose core metadata is not held, by what the wheel says of itself', async () => {
    const info = 'delta-1.0.dist-info';
    const coreMetadata = Buffer.from('Metadata-Version: 2.4\nName: delta\nVersion: 1.0\nLicense-Expression: 0BSD\n');
    const bytes = zip([
      ['delta.py', Buffer.from('')],
      [`${info}/METADATA`, coreMetadata],
      [`${info}/WHEEL`, Buffer.from('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n')],
      [`${info}/RECORD`, Buffer.from(`delta.py,,\n${info}/METADATA,,\n${info}/WHEEL,,\n${info}/RECORD,,\n`)],
    ]);
    const delta: TinyWheel = { project: 'delta', filename: 'delta-1.0-py3-none-any.whl', bytes, coreMetadata };
    pypi.upload('delta', delta);
    pypi.drop('delta', delta.filename, 'core-metadata');
    await serving(data, async () => {
      await get('delta/');
      await get(pypi.storedAt(delta));
    });
    const { path } = await made('--project', 'delta');
    expect(entriesOf(await linesOf(join(path, 'bundle.tar'))).map(named)).not.toContain(
      `core-metadata delta ${delta.filename}`,
    );
    expect(await readFile(join(path, 'report.txt'), 'utf8')).toMatch(/- delta 1\.0: 1 file, 0\.0 MB, 0BSD,/);
    const { components } = JSON.parse(await readFile(join(path, 'sbom.cdx.json'), 'utf8'));
    expect(components[0].licenses).toEqual([{ license: { name: '0BSD' } }]);
    pypi.remove('delta', delta.filename);
  });

  it('where its directory is not there says how to make it, or to name a file', async () => {
    const place = join(room, 'stick');
    const { code, stderr } = await verbatim('export', place, ...upstream(), '--data', data);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`${place} is not a directory: make it first (mkdir), or name a file that ends in .tar.`),
    ]);
  });

  it('is of the projects that were selected alone', async () => {
    const { path } = await made('--project', 'B*');
    const entries = entriesOf(await linesOf(join(path, 'bundle.tar')));
    expect(new Set(entries.map(({ project }) => project))).toEqual(new Set([undefined, 'beta']));
    expect((await linesOf(join(path, 'bundle.tar')))[0]).toMatchObject({ header: { selection: ['b*'] } });
  });

  it('in one file is that file and nothing else', async () => {
    const place = join(room, 'all.tar');
    const { code } = await verbatim('export', place, ...upstream(), '--data', data);
    expect(code).toBe(0);
    expect((await readdir(room)).sort()).toEqual(['all.tar', 'data']);
    expect((await contentsOf(place)).size).toBe(8);
    const again = await verbatim('export', place, ...upstream(), '--data', data);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('exists already')]);
  });

  it('that is only tried writes nothing and takes no number', async () => {
    const { path, totals } = await made('--dry-run');
    expect([path, totals.members]).toEqual([undefined, 8]);
    expect(await readdir(room)).toEqual(['data']);
    expect((await made()).number).toBe(1);
  });
});

describe('a bundle in pieces', () => {
  it('is the same bundle once they are joined, and each piece has its line', async () => {
    pypi.upload('large', tinyWheel('large', '1.0', 'x'.repeat(300_000)));
    await serving(data, () => fetched('large', tinyWheel('large', '1.0', 'x'.repeat(300_000))));
    const { path, pieces } = await made('--piece-size', '64KiB');
    const names = (await readdir(path)).filter((name) => name.startsWith('bundle.tar')).sort();
    expect(names).toHaveLength(pieces);
    expect(names.slice(0, 2)).toEqual(['bundle.tar.000', 'bundle.tar.001']);
    const parts = await Promise.all(names.map((name) => readFile(join(path, name))));
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(65_536);
    await writeFile(join(room, 'joined.tar'), Buffer.concat(parts));
    expect((await contentsOf(join(room, 'joined.tar'))).get(`file alpha ${ALPHA.filename}`)).toEqual(
      Buffer.from(ALPHA.bytes),
    );
    const lines = await linesOf(join(room, 'joined.tar'));
    const listed = lines.flatMap((line) => (line.line === 'piece' ? [line.piece.sha256] : []));
    expect(listed).toEqual(parts.slice(1).map((part) => sha256Hex(part)));
    await run('sha256sum', ['-c', 'SHA256SUMS'], { cwd: path });
    pypi.remove('large', tinyWheel('large').filename);
  });
});

describe('a bundle that builds on another', () => {
  it('carries what is new, and says what is gone, yanked or not carried any more', async () => {
    const gamma = tinyWheel('gamma');
    pypi.upload('gamma', gamma);
    await serving(data, () => fetched('gamma', gamma));
    await made();
    pypi.upload('alpha', NEWER);
    await serving(data, async () => {
      await verbatim('refresh', 'main', 'alpha', ...upstream(), '--data', data);
      await fetched('alpha', NEWER);
    });
    await verbatim('forget', 'main', 'gamma', ...upstream(), '--data', data);
    const second = await made('--since', '1');
    const lines = await linesOf(join(second.path, 'bundle.tar'));
    expect(second.base).toMatchObject({ number: 1 });
    expect(entriesOf(lines).map(named)).toEqual([
      'report',
      'sbom',
      'page alpha',
      `file alpha ${NEWER.filename}`,
      `core-metadata alpha ${NEWER.filename}`,
    ]);
    expect(changesOf(lines)).toEqual([{ change: 'left-out', project: 'gamma', name: gamma.filename }]);
    const [header] = lines;
    const first = (await linesOf(join(room, 'main-000001', 'bundle.tar')))[0];
    expect(header?.line === 'header' && first?.line === 'header' && header.header.previous).toBe(
      header?.line === 'header' ? header.header.base?.manifest : undefined,
    );
    // Cumulative: what bundle 2 carried comes again where 2 is not what it builds on.
    const third = await made('--since', '1');
    expect(entriesOf(await linesOf(join(third.path, 'bundle.tar'))).map(named)).toContain(
      `file alpha ${NEWER.filename}`,
    );
    const fourth = await made('--since', 'last');
    expect(entriesOf(await linesOf(join(fourth.path, 'bundle.tar'))).map(named)).toEqual(['report', 'sbom']);
    for (const wheel of [NEWER]) pypi.remove('alpha', wheel.filename);
    pypi.remove('gamma', gamma.filename);
  });

  it('says what upstream has removed and yanked since', async () => {
    await serving(data, async () => {
      pypi.upload('alpha', NEWER);
      await verbatim('refresh', 'main', 'alpha', ...upstream(), '--data', data);
      await fetched('alpha', NEWER);
    });
    await made();
    await serving(data, async () => {
      pypi.remove('alpha', NEWER.filename);
      pypi.edit('beta', BETA.filename, { yanked: 'broken' });
      for (const project of ['alpha', 'beta'])
        await verbatim('refresh', 'main', project, ...upstream(), '--data', data);
    });
    const { path } = await made('--since', '1');
    expect(changesOf(await linesOf(join(path, 'bundle.tar')))).toEqual([
      { change: 'removed', project: 'alpha', name: NEWER.filename },
      { change: 'yanked', project: 'beta', name: BETA.filename },
    ]);
  });

  it('is refused where the other is not remembered', async () => {
    expect(await refused('--since', '7')).toContain('Bundle 7 is not remembered here: none is');
    expect(await refused('--since', 'last')).toContain('No bundle was made yet');
    await made();
    expect(await refused('--since', '7')).toContain('there are 1 to 1');
    expect(await readdir(room)).not.toContain(expect.stringMatching(/^\.verbatim/));
  });
});

describe('a bundle that is made again', () => {
  it('is the same, byte for byte, whatever changed since', async () => {
    const key = join(room, 'outside.key');
    await verbatim('keygen', key);
    const { path } = await made('--key', key, '--piece-size', '64KiB');
    await serving(data, async () => {
      pypi.upload('alpha', NEWER);
      await verbatim('refresh', 'main', 'alpha', ...upstream(), '--data', data);
    });
    await made();
    const elsewhere = join(room, 'elsewhere');
    await run('mkdir', [elsewhere]);
    const words = ['export', elsewhere, '--again', '1', ...upstream(), '--data', data];
    const later = { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' };
    expect((await verbatimWith(later, ...words)).code).toBe(0);
    const names = await readdir(path);
    expect((await readdir(join(elsewhere, 'main-000001'))).sort()).toEqual(names.sort());
    for (const name of names)
      expect(await readFile(join(elsewhere, 'main-000001', name)), name).toEqual(await readFile(join(path, name)));
    pypi.remove('alpha', NEWER.filename);
  });

  it('names the file that is held no longer', async () => {
    await made();
    await verbatim('forget', 'main', 'alpha', ...upstream(), '--data', data);
    await rm(join(room, 'main-000001'), { recursive: true });
    expect(await refused('--again', '1')).toContain(sha256Hex(ALPHA.bytes));
    expect(await readdir(room)).toEqual(['data']);
  });
});

describe('a signed bundle', () => {
  it('is believed under the key that keygen made, and openssl checks its sums', async () => {
    const key = join(room, 'outside.key');
    const { stdout } = await verbatim('keygen', key, '--json');
    const { public: raw } = JSON.parse(stdout);
    const { path, signed, manifestSha256 } = await made('--key', key);
    expect(signed).toBe(true);
    const head = await readHead(bytesOf(await readFile(join(path, 'bundle.tar'))));
    const { sealed } = openSeal(head.seal ?? Buffer.alloc(0), [{ public: raw, name: 'outside' }], 0);
    expect(sealed).toMatchObject({ index: 'main', number: 1, manifest: { sha256: manifestSha256 } });
    const check = ['pkeyutl', '-verify', '-pubin', '-inkey', `${key}.pub`, '-rawin', '-in', 'SHA256SUMS'];
    await run('openssl', [...check, '-sigfile', 'SHA256SUMS.sig'], { cwd: path });
    const twice = await verbatim('keygen', key);
    expect([twice.code, twice.stderr]).toEqual([1, expect.stringContaining('exists already')]);
  });
});
