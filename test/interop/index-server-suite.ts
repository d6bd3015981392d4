import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Distribution, moduleFile, sourceOf } from '../support/distributions.ts';
import * as environments from '../support/environments.ts';
import { requirePart } from '../support/python.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';
import { FILES, type IndexServer, PROJECTS, type Serving, sha256Of } from './index-servers.ts';
import { newPlace, pipInstall, uv } from './installers.ts';

const JSON_PAGE = 'application/vnd.pypi.simple.v1+json';
const UNKNOWN = 'no-such-project';
const PYPI_PAGES = 'https://pypi.org/simple/';
const ANSWERS = 'upstream answers as a package index';

interface Line {
  readonly filename: string;
  readonly url: string;
  readonly hashes: Readonly<Record<string, string>>;
  readonly 'core-metadata'?: unknown;
  readonly '_verbatim-evidence'?: string;
}

const bins = {
  servers: (await environments.indexServers()) ?? '',
  pip: (await environments.pipOfToday()) ?? '',
  uv: (await environments.uv()) ?? '',
};

/** What holds of this mirror before each of these servers, with real installers. */
export function describeServers(servers: readonly IndexServer[]): void {
  const there = Object.values(bins).every((bin) => bin !== '');
  for (const server of servers)
    describe.runIf(requirePart('index servers, pip and uv', there || undefined))(
      [server.program, environments.SERVERS[server.program], server.how ?? ''].join(' ').trim(),
      { timeout: 240_000 },
      () => describeServer(server),
    );
}

function describeServer({ start, kind, introduced, evidence, coreMetadata, unknown }: IndexServer): void {
  let directory: string;
  let upstream: Serving;
  let mirror: RunningVerbatim;
  const data = () => join(directory, 'data');
  const address = () => [
    ...['--upstream', upstream.url, ...(kind === undefined ? [] : ['--kind', kind])],
    ...(upstream.fileHosts ?? []).flatMap((host) => ['--file-host', host]),
  ];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'verbatim-servers-'));
    upstream = await start(bins.servers, await mkdtemp(join(directory, 'upstream-')));
    mirror = await startVerbatim(address(), data());
  });
  afterAll(async () => {
    await mirror?.close();
    await upstream?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const page = (project: string) => pageOf(mirror, project);
  const lineOf = async (project: string, { filename }: Distribution) => {
    const line = (await page(project)).find((each) => each.filename === filename);
    if (line === undefined) throw new Error(`no ${filename}`);
    return line;
  };
  /** The digests that our pages give of the files, once those were looked at. */
  const shown = async (wanted: readonly (readonly [string, Distribution])[]) => {
    for (const [project, file] of wanted)
      while ((await lineOf(project, file)).hashes['sha256'] !== sha256Of(file)) await sleep(100);
  };

  it('is told of at the start: where its pages are, what they are like, and what they lack', async () => {
    // Where there is no list, the first page is what there is to tell of.
    if (introduced.list === 'none') await page('mill');
    const said = await introduction(mirror);
    const { host } = new URL(upstream.url);
    // Some list their projects in the order of their disk: the page that is looked at may be either.
    const counted = new RegExp(`^${introduced.core_metadata.replace(/\d+/g, '\\d+')}$`);
    const core_metadata = expect.stringMatching(counted);
    expect(said).toMatchObject({ message: ANSWERS, ...introduced, core_metadata, file_hosts: host });
    expect(said).not.toHaveProperty('hosts_not_allowed');
    expect(mirror.log()).not.toMatch(/"level":"(?:warn|error)"/);
  });

  it('has every file that it lists on our pages, each with its evidence', async () => {
    for (const [project, files] of Object.entries(PROJECTS)) {
      const lines = await page(project);
      const names = files.map(({ filename }) => filename);
      expect(lines.map(({ filename }) => filename).sort()).toEqual(names.sort());
      expect(new Set(lines.map((line) => line['_verbatim-evidence'] ?? 'index'))).toEqual(new Set([evidence]));
      expect(lines.every(({ hashes }) => 'sha256' in hashes === (evidence === 'index'))).toBe(true);
    }
    expect(mirror.log()).not.toContain('left_out');
  });

  it('is installed from by pip: an sdist, and the wheel that it needs', async () => {
    const place = await newPlace(directory);
    await pipInstall(bins.pip, place, ['--index-url', mirror.simple, 'mill']);
    await expectInstalled(place.target, FILES.sdist, FILES.needed);
  });

  it('is locked by uv with our digests, and installed from that lock', async () => {
    const requirements = join(directory, 'requirements.in');
    const lock = join(directory, 'requirements.txt');
    await shown([
      ['mill', FILES.sdist],
      ['water-wheel', FILES.needed],
    ]);
    await writeFile(requirements, 'mill\n');
    const index = ['--default-index', mirror.simple];
    await uv(bins.uv, await newPlace(directory), [
      ...['pip', 'compile', '--generate-hashes', '--output-file', lock],
      ...index,
      requirements,
    ]);
    const locked = await readFile(lock, 'utf8');
    for (const file of [FILES.sdist, FILES.needed]) expect(locked).toContain(`sha256:${sha256Of(file)}`);
    const place = await newPlace(directory);
    const target = ['--target', place.target];
    await uv(bins.uv, place, ['pip', 'install', '--require-hashes', ...index, ...target, '-r', lock]);
    await expectInstalled(place.target, FILES.sdist, FILES.needed);
  });

  it('is installed from by uv: a local version', async () => {
    await expectByUv(FILES.local, FILES.needed);
  });

  it('gives what was asked for, byte for byte, with its evidence in the header', async () => {
    for (const [project, files] of Object.entries(PROJECTS))
      for (const file of files) {
        const { url } = await lineOf(project, file);
        const answer = await fetch(new URL(url, `${mirror.simple}${project}/`));
        expect([answer.status, answer.headers.get('verbatim-evidence')], file.filename).toEqual([200, evidence]);
        expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(file.bytes)), file.filename).toBe(true);
      }
  });

  it(`gives core metadata: ${coreMetadata ? 'what the server has' : 'none, and announces none'}`, async () => {
    const { url, 'core-metadata': announced } = await lineOf('mill', FILES.wheel);
    const answer = await fetch(new URL(`${url}.metadata`, `${mirror.simple}mill/`));
    if (!coreMetadata) return expect([announced ?? false, answer.status]).toEqual([false, 404]);
    expect(announced).toMatchObject({ sha256: expect.any(String) });
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from(FILES.wheel.coreMetadata));
  });

  it('knows nothing of another project: that is a 404 in plain words, and no outage', async () => {
    const { at } = await introduction(mirror);
    const own = await fetch(`${at}${UNKNOWN}/`, { redirect: 'manual' });
    const where = own.headers.get('location');
    expect(where === null ? String(own.status) : where).toBe(unknown === '404' ? unknown : `${PYPI_PAGES}${UNKNOWN}/`);
    const answer = await fetch(`${mirror.simple}${UNKNOWN}/`);
    expect([answer.status, answer.statusText]).toEqual([404, expect.stringContaining('does not list this project')]);
    const place = await newPlace(directory);
    const refused = pipInstall(bins.pip, place, ['--index-url', mirror.simple, UNKNOWN]);
    await expect(refused).rejects.toThrow(`No matching distribution found for ${UNKNOWN}`);
    expect(mirror.log()).not.toMatch(/"reason":"(?:unreachable|redirect|forbidden|foreign)"/);
    expect((await fetch(`${mirror.simple}mill/`)).status).toBe(200);
  });

  it('is explained: by whose word its files are believed', async () => {
    const { stdout } = await verbatim('explain', 'mill', '--data', data(), ...address());
    expect(stdout).toContain(`mill: a project with 3 files, `);
    expect(stdout).toContain(`(evidence: ${evidence})`);
    expect(stdout).not.toContain('left out');
  });

  it('is found by its address alone', async () => {
    const other = await startVerbatim(['--upstream', upstream.url]);
    try {
      const names = (lines: readonly Line[]) => lines.map(({ filename }) => filename);
      expect(names(await pageOf(other, 'mill'))).toEqual(names(await page('mill')));
      expect((await fetch(`${other.simple}${UNKNOWN}/`)).status).toBe(404);
    } finally {
      await other.close();
    }
  });

  it('is away: what is held is served after a restart', async () => {
    await mirror.close();
    await upstream.close();
    mirror = await startVerbatim([...address(), '--offline'], data());
    await expectByUv(FILES.local, FILES.needed);
    const place = await newPlace(directory);
    await pipInstall(bins.pip, place, ['--index-url', mirror.simple, 'mill==1.0']);
    await expectInstalled(place.target, FILES.wheel, FILES.needed);
  });

  async function expectByUv(file: Distribution, ...needed: readonly Distribution[]): Promise<void> {
    const place = await newPlace(directory);
    const release = `${file.name}==${file.version}`;
    const args = ['pip', 'install', '--default-index', mirror.simple, '--target', place.target, release];
    await uv(bins.uv, place, args);
    await expectInstalled(place.target, file, ...needed);
  }
}

async function pageOf(mirror: RunningVerbatim, project: string): Promise<readonly Line[]> {
  const answer = await fetch(`${mirror.simple}${project}/`, { headers: { accept: JSON_PAGE } });
  if (!answer.ok) throw new Error(`${project}: ${answer.status} ${await answer.text()}`);
  const { files } = (await answer.json()) as { readonly files: readonly Line[] };
  return files;
}

/** The line of the log that says what upstream is like. */
async function introduction(mirror: RunningVerbatim): Promise<{ readonly at: string }> {
  const find = () =>
    mirror
      .log()
      .split('\n')
      .find((line) => line.includes(ANSWERS));
  await expect.poll(find).toBeDefined();
  return JSON.parse(find() ?? '') as { readonly at: string };
}

async function expectInstalled(target: string, ...files: readonly Distribution[]): Promise<void> {
  for (const file of files)
    expect(await readFile(join(target, moduleFile(file.name)), 'utf8'), file.filename).toBe(sourceOf(file));
}
