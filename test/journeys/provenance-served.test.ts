import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { nextSecond } from '../support/next-second.ts';
import {
  GITHUB_CLAIMS,
  GITHUB_PUBLISHER,
  OTHER_CLAIMS,
  OTHER_PUBLISHER,
  provenanceOf,
  startSigstore,
  type TestSigstore,
} from '../support/sigstore.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// What provenance decides of what a server serves, judged by a Sigstore of the test's own.

let folder: string;
let sigstore: TestSigstore;
let pypi: FakePypi;
let server: RunningVerbatim;
let config: string;

const MODES = { off: 'off', report: 'report', present: 'require-when-present', require: 'require' } as const;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-provenance-served-'));
  sigstore = await startSigstore();
  pypi = await startFakePypi({ maxAge: 0 });
  const root = join(folder, 'trusted_root.json');
  await writeFile(root, JSON.stringify(sigstore.trustedRoot));
  const of = (mode: string, others: object = {}) => ({
    evidence: 'index',
    upstream: `${pypi.url}simple/`,
    file_hosts: [`127.0.0.1:${pypi.files.port}`],
    max_age: 0,
    look_ahead: { enabled: false },
    provenance: { mode, trusted_root: root, ...others },
  });
  config = join(folder, 'verbatim.yaml');
  const packaged = { ...of('require'), provenance: 'require' };
  const pinned = of('require-when-present', {
    publishers: { mill: [{ id: 'https://github.com repository 4711', workflow: 'release.yml' }] },
    projects: { free: 'off' },
  });
  const indexes = Object.fromEntries(Object.entries(MODES).map(([name, mode]) => [name, of(mode)]));
  await writeFile(config, JSON.stringify({ data: join(folder, 'data'), indexes: { ...indexes, packaged, pinned } }));
  server = await startVerbatim(['--config', config, '--admin-port', '0'], join(folder, 'data'));
}, 120_000);

afterAll(async () => {
  await server.close();
  await pypi.close();
  await rm(folder, { recursive: true });
});

interface Said {
  readonly about?: IndexFile;
  readonly by?: 'mill' | 'other';
}

/** Uploads a wheel that says who published it. */
async function attested(wheel: ReturnType<typeof tinyWheel>, { about = wheel, by = 'mill' }: Said = {}) {
  const sha256 = createHash('sha256').update(about.bytes).digest('hex');
  const claims = by === 'mill' ? GITHUB_CLAIMS : OTHER_CLAIMS;
  const attestation = await sigstore.attest({ filename: wheel.filename, sha256 }, { claims });
  announced(wheel, provenanceOf(by === 'mill' ? GITHUB_PUBLISHER : OTHER_PUBLISHER, attestation));
}

/** Uploads a wheel that announces these bytes. */
function announced(wheel: ReturnType<typeof tinyWheel>, bytes: Uint8Array | string) {
  const version = wheel.filename.split('-')[1];
  const path = `integrity/${wheel.project}/${version}/${wheel.filename}/provenance`;
  pypi.provenance.set(wheel.filename, bytes);
  pypi.upload(wheel.project, wheel, { provenance: `${pypi.url}${path}` });
}

const PAGE = 'application/vnd.pypi.simple.v1+json';

async function listed(index: string, project: string): Promise<ReadonlyMap<string, string>> {
  const page = await fetch(new URL(`/${index}/simple/${project}/`, server.simple), { headers: { accept: PAGE } });
  expect(page.status).toBe(200);
  const { files }: { files: { filename: string; url: string }[] } = JSON.parse(await page.text());
  return new Map(files.map(({ filename, url }) => [filename, new URL(url, page.url).href]));
}

async function fetched(url: string | undefined): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(url ?? 'http://the page does not list it');
  return { status: answer.status, text: await answer.text() };
}

/** What a client gets that took the address from the page of an index where nothing is looked at, once both pages list the file. */
async function asked(index: string, { project, filename }: ReturnType<typeof tinyWheel>) {
  const addressOf = async () => (await listed('off', project)).get(filename)?.replace('/off/', `/${index}/`);
  await expect.poll(addressOf, { timeout: 60_000 }).toBeDefined();
  const url = await addressOf();
  const answer = async () => fetched(url);
  await expect.poll(async () => (await answer()).status, { timeout: 60_000 }).not.toBe(404);
  return answer();
}

/** Waits until the server has told that so many files came to this. */
async function judged(index: string, result: string, count: number): Promise<void> {
  await expect
    .poll(async () => (await fetch(server.metrics ?? '')).text(), { timeout: 60_000 })
    .toMatch(new RegExp(`verbatim_provenance_total\\{index="${index}",result="${result}"\\} ${count}\\n`));
}

describe('provenance that is wrong', () => {
  const about = tinyWheel('right', '1.0');

  it.each([
    ['about other bytes', 'forged', (wheel: ReturnType<typeof tinyWheel>) => attested(wheel, { about })],
    [
      'of ten megabytes',
      'huge',
      async (wheel: ReturnType<typeof tinyWheel>) => announced(wheel, Buffer.alloc(10_000_000, ' ')),
    ],
    [
      'ten thousand levels deep',
      'deep',
      async (wheel: ReturnType<typeof tinyWheel>) => announced(wheel, '['.repeat(10_000)),
    ],
    ['about two files', 'two', twoSubjects],
  ])(
    'that is %s is not served where what is announced must be right, and is served where it is only told',
    async (_, project, upload) => {
      const wheel = tinyWheel(project, '1.0');
      pypi.upload(project, tinyWheel(project, '0.9'));
      await upload(wheel);
      for (const index of ['present', 'require', 'pinned']) {
        const { status, text } = await asked(index, wheel);
        expect([status, text]).toEqual([403, expect.stringContaining(`The provenance of ${wheel.filename} is wrong`)]);
        expect([...(await listed(index, project)).keys()]).not.toContain(wheel.filename);
      }
      expect((await asked('report', wheel)).status).toBe(200);
      expect([...(await listed('report', project)).keys()]).toContain(wheel.filename);
      expect((await asked('present', tinyWheel(project, '0.9'))).status).toBe(200);
    },
  );

  it('is counted where it is only told', () => judged('report', 'refused', 4));

  async function twoSubjects(wheel: ReturnType<typeof tinyWheel>) {
    const sha256 = createHash('sha256').update(wheel.bytes).digest('hex');
    const subject = [
      { name: wheel.filename, digest: { sha256 } },
      { name: 'other-1.0.tar.gz', digest: { sha256 } },
    ];
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject,
      predicateType: 'https://docs.pypi.org/attestations/publish/v1',
      predicate: null,
    };
    const attestation = await sigstore.attest({ filename: wheel.filename, sha256 }, { statement });
    announced(wheel, provenanceOf(GITHUB_PUBLISHER, attestation));
  }
});

it('a file whose provenance upstream cannot bring now stays listed, and is served once it does', async () => {
  const wheel = tinyWheel('gone', '1.0');
  await attested(wheel);
  const path = `/integrity/gone/1.0/${wheel.filename}/provenance`;
  pypi.index.fault(path, { kind: 'status', status: 503 });
  const address = async () => (await listed('off', 'gone')).get(wheel.filename)?.replace('/off/', '/present/') ?? '';
  const away = await fetch(await address());
  const waits = Number(away.headers.get('retry-after'));
  expect([away.status, await away.text()]).toEqual([503, expect.stringContaining('cannot be had at this moment')]);
  expect(waits).toBeGreaterThan(0);
  expect(waits).toBeLessThanOrEqual(10);
  expect([...(await listed('present', 'gone')).keys()]).toEqual([wheel.filename]);
  expect((await asked('report', wheel)).status).toBe(200);
  pypi.heal();
  await expect.poll(async () => (await fetched(await address())).status, { timeout: 60_000 }).toBe(200);
});

it('a file whose publisher is verified is served in every mode, and its provenance passed on as it is', async () => {
  const wheel = tinyWheel('good', '1.0');
  await attested(wheel);
  for (const index of ['off', 'report', 'present', 'require']) expect((await asked(index, wheel)).status).toBe(200);
  const passed = await fetch(new URL(`/require/integrity/good/1.0/${wheel.filename}/provenance`, server.simple));
  expect(await passed.text()).toBe(Buffer.from(pypi.provenance.get(wheel.filename) ?? '').toString());
});

it('a file that says nothing, or that nobody can check here, is not served where every file must be verified', async () => {
  const silent = tinyWheel('silent', '1.0');
  pypi.upload('silent', silent);
  expect((await asked('present', silent)).status).toBe(200);
  expect((await listed('require', 'silent')).size).toBe(0);
  const said = await asked('require', silent);
  expect([said.status, said.text]).toEqual([403, expect.stringContaining('does not say who published it')]);
  const wheel = tinyWheel('odd', '1.0');
  await attested(wheel);
  const unknown = await asked('packaged', wheel);
  expect([unknown.status, unknown.text]).toEqual([403, expect.stringContaining('which does not make it bad')]);
});

describe('the publisher of a project', () => {
  it('that was seen first is whom later files are held to, until an operator accepts another', async () => {
    await attested(tinyWheel('mill', '1.0'));
    expect((await listed('present', 'mill')).size).toBe(1);
    expect((await asked('present', tinyWheel('mill', '1.0'))).status).toBe(200);
    await expect
      .poll(
        async () =>
          (
            await verbatim(
              'accept-change',
              '--config',
              config,
              'present',
              'mill',
              '--publisher',
              '9',
              '--reason',
              'a look',
              '--dry-run',
            )
          ).stdout,
        { timeout: 60_000 },
      )
      .toContain('GitHub octo/mill release.yml');
    await nextSecond();

    const changed = tinyWheel('mill', '2.0');
    await attested(changed, { by: 'other' });
    const by = await asked('present', changed);
    expect([by.status, by.text]).toEqual([
      403,
      expect.stringContaining(
        'was published by GitHub evil/mill release.yml, and the files before it by GitHub octo/mill',
      ),
    ]);
    await expect
      .poll(async () => [...(await listed('present', 'mill')).keys()], { timeout: 60_000 })
      .toEqual(['mill-1.0-py3-none-any.whl']);
    expect((await asked('report', changed)).status).toBe(200);

    const lost = tinyWheel('mill', '3.0');
    pypi.upload('mill', lost);
    const nobody = await asked('present', lost);
    expect([nobody.status, nobody.text]).toEqual([
      403,
      expect.stringContaining('releases before it did (GitHub octo/mill'),
    ]);
    expect((await asked('report', lost)).status).toBe(200);

    for (const version of ['2.0', '3.0']) await accepted(version);
    for (const wheel of [changed, lost]) expect((await asked('present', wheel)).status).toBe(200);
    const next = tinyWheel('mill', '4.0');
    await attested(next, { by: 'other' });
    expect((await asked('present', next)).status).toBe(200);
  });

  it('that the configuration names is whom all files are held to', async () => {
    const { status, text } = await asked('pinned', tinyWheel('mill', '2.0'));
    expect([status, text]).toEqual([403, expect.stringContaining('https://github.com repository 4711 release.yml')]);
    expect((await asked('pinned', tinyWheel('mill', '1.0'))).status).toBe(200);
  });

  async function accepted(version: string) {
    const given = ['present', 'mill', '--publisher', version, '--reason', 'they told us'];
    const { code, stderr } = await verbatim('accept-change', '--config', config, ...given);
    expect([code, stderr]).toEqual([0, '']);
  }
});

it('a start is refused whose trusted root comes from an index that is not signed', async () => {
  const wrong = join(folder, 'wrong.yaml');
  const main = { evidence: 'index', upstream: pypi.url, provenance: { root_from: 'nobody' } };
  await writeFile(wrong, JSON.stringify({ data: join(folder, 'wrong'), indexes: { main } }));
  const { code, stderr } = await verbatim('serve', '--config', wrong, '--port', '0');
  expect([code, stderr]).toEqual([1, expect.stringContaining('provenance.root_from of the index main names nobody')]);
});
