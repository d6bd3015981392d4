import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MAX_ARCHIVE } from '../../src/advisories/limits.ts';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { JSON_PAGE, makeScratch, type SimplePage } from '../rigs/mirror.ts';
import { KEYS } from '../rigs/signed-rig.ts';
import { advisory, archiveOf } from '../support/advisories.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { type TinyWheel, tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';
import { askAnew } from '../support/workers.ts';

// A server of two processes while the feed of advisories changes below it: over an index that signs nothing, one that is signed, and an address over two.

const OLD = tinyWheel('alpha', '1.0');
const BAD = tinyWheel('alpha', '2.0');
const PATIENCE = { timeout: 120_000, interval: 500 };
const others = (count: number, ecosystem = 'PyPI') =>
  Array.from({ length: count }, (_, at) =>
    advisory(`OTHER-${at}`, `p${at}`, {}, { affected: [{ package: { ecosystem, name: `p${at}` } }] }),
  );
const LONG_AGO = '2020-01-01T00:00:00Z';
const MALWARE = advisory('MAL-2026-7', 'alpha', { versions: ['2.0'] });

let folder: string;
let pypi: FakePypi;
let own: FakePypi;
let signedFiles: TestUpstream;
let server: RunningVerbatim;
/** Of a file of the signed index: its path, and the one of it as a target. */
let signedPath: (file: TinyWheel) => string;
let signedTarget: (file: TinyWheel) => string;

const feedIs = (archive: Uint8Array) => writeFile(join(folder, 'all.zip'), archive);

beforeAll(async () => {
  folder = await makeScratch();
  [pypi, own] = await Promise.all([startFakePypi(), startFakePypi()]);
  for (const file of [OLD, BAD]) pypi.upload('alpha', file);
  own.upload('mill', tinyWheel('mill'));
  const signed = new SignedIndex({
    keys: KEYS,
    binBits: 2,
    pageFormat: 'json',
    now: () => Math.floor(Date.now() / 1000),
  });
  signed.upload('alpha', OLD, BAD);
  signed.publish();
  const published = pep458Paths(signed.repository.files);
  signedFiles = await startUpstream({ files: { get: (path) => published.get(path) } });
  signedPath = (file) => signed.filePath(file);
  signedTarget = (file) => {
    const path = signed.filePath(file);
    const [hash] = [...signed.repository.roles.values()].flatMap(({ targets }) => [
      ...(targets.get(path)?.hashes.values() ?? []),
    ]);
    return `${path.slice(0, -file.filename.length)}${hash}.${file.filename}`;
  };
  await writeFile(join(folder, 'root.json'), published.get('metadata/1.root.json') ?? '');
  await writeFile(join(folder, 'all.zip'), archiveOf(others(10)));
  const index = ({ url, files }: FakePypi) =>
    `{ upstream: "${url}simple/", evidence: index, file_hosts: ["127.0.0.1:${files.port}"] }`;
  const config = join(folder, 'verbatim.yaml');
  await writeFile(
    config,
    [
      `data: ${join(folder, 'data')}`,
      'advisories: { archive: all.zip, malware: hide, max_age: 31536000 }',
      'indexes:',
      `  public: ${index(pypi)}`,
      `  own: ${index(own)}`,
      '  main: { of: [own, public] }',
      `  signed: { upstream: "${signedFiles.url}", evidence: tuf, layout: pep458, root: root.json }`,
      '',
    ].join('\n'),
  );
  server = await startVerbatim(['--config', config, '--admin-port', '0', '--workers', '2'], join(folder, 'data'));
  await vi.waitFor(() => expect(server.log()).toContain('worker 2 answers'), PATIENCE);
}, 180_000);
afterAll(async () => {
  await server?.close();
  await Promise.all([pypi?.close(), own?.close(), signedFiles?.close()]);
  await rm(folder, { recursive: true, maxRetries: 20, retryDelay: 250 });
});

const at = (path: string) => new URL(path, server.simple).href;
/** Each process is asked, as new connections go round. */
const byBoth = async <T>(ask: () => Promise<T>): Promise<readonly string[]> => {
  const answers = await Promise.all(Array.from({ length: 8 }, ask));
  return [...new Set(answers.map(String))].sort();
};
const PAGES = ['/public/simple/alpha/', '/main/simple/alpha/', '/signed/simple/alpha/'];
const listed = (path: string) =>
  byBoth(async () => {
    const page: SimplePage = JSON.parse(await (await askAnew(at(path), { accept: JSON_PAGE })).text());
    return page.files.map(({ filename }) => filename);
  });
/** Every way to the bytes of a file, and to what is said of it. */
const waysTo = (file: TinyWheel) => {
  const stored = pypi.storedAt(file);
  const files = [`/public${stored}`, `/main${stored}`, `/signed/${signedPath(file)}`];
  return [...files, ...files.map((path) => `${path}.metadata`), `/signed/tuf/targets/${signedTarget(file)}`];
};
const statuses = (path: string, method: string, headers: Readonly<Record<string, string>> = {}) =>
  byBoth(async () => {
    const answer = await fetch(at(path), { method, headers: { ...headers, connection: 'close' } });
    await answer.arrayBuffer();
    return answer.status;
  });
/** What each way answers a GET, a HEAD and a range with, of each process; the same of all of them. */
async function answers(file: TinyWheel): Promise<readonly string[]> {
  const all = new Set<string>();
  for (const path of waysTo(file)) {
    const said = [
      await statuses(path, 'GET'),
      await statuses(path, 'HEAD'),
      await statuses(path, 'GET', { range: 'bytes=0-3' }),
    ];
    all.add(said.map((each) => each.join('+')).join(' '));
  }
  return [...all];
}
/** As the server finds them now: SIGHUP has it look. */
const conditions = async () => {
  process.kill(server.pid, 'SIGHUP');
  const told = await (await fetch(server.metrics ?? '')).text();
  const number = (name: RegExp) => Number(name.exec(told)?.[1]);
  return {
    trouble: number(/^verbatim_condition\{[^}]*what="advisories"[^}]*\} (\d+)/m),
    malware: number(/^verbatim_advisories\{kind="malware"\} (\d+)/m),
  };
};

describe('a server of two processes', { timeout: 600_000 }, () => {
  it('refuses what a new feed calls malware on every way to it, though it was sent before', async () => {
    for (const page of PAGES) expect(await listed(page), page).toEqual([`${OLD.filename},${BAD.filename}`]);
    expect(await answers(BAD)).toEqual(['200 200 206']);
    await feedIs(archiveOf([MALWARE, ...others(9)]));
    await expect.poll(conditions, PATIENCE).toMatchObject({ malware: 1 });
    for (const page of PAGES) await expect.poll(() => listed(page), PATIENCE).toEqual([OLD.filename]);
    expect(await answers(BAD)).toEqual(['403 403 403']);
    expect(await answers(OLD)).toEqual(['200 200 206']);
  });

  it.each<[string, () => Uint8Array]>([
    ['cut', () => archiveOf([MALWARE, ...others(9)]).subarray(0, 900)],
    ['older', () => archiveOf([MALWARE, ...others(9)].map((each) => ({ ...each, modified: LONG_AGO })))],
    ['of another ecosystem', () => archiveOf(others(10, 'npm'))],
    ['much smaller', () => archiveOf(others(3))],
  ])('keeps the last good feed in force while the new one is %s, and says so', async (_, next) => {
    await feedIs(next());
    await expect.poll(conditions, PATIENCE).toEqual({ trouble: 1, malware: 1 });
    for (const page of PAGES) expect(await listed(page), page).toEqual([OLD.filename]);
    expect(await answers(BAD)).toEqual(['403 403 403']);
    await feedIs(archiveOf([MALWARE, ...others(9)]));
    await expect.poll(async () => (await conditions()).trouble, PATIENCE).not.toBe(1);
  });

  it('keeps the last good feed in force while the new one is larger than any may be', async () => {
    await truncate(join(folder, 'all.zip'), MAX_ARCHIVE + 1);
    await expect.poll(conditions, PATIENCE).toEqual({ trouble: 1, malware: 1 });
    for (const page of PAGES) expect(await listed(page), page).toEqual([OLD.filename]);
    expect(await answers(BAD)).toEqual(['403 403 403']);
  });
});
