import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { createClock } from '../support/clock.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { GITHUB_PUBLISHER, provenanceOf, startSigstore } from '../support/sigstore.ts';
import { createSimulator } from '../support/simulator.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { startVerbatim, verbatim } from '../support/verbatim.ts';

// `verbatim provenance`: who published what is held, judged by a Sigstore of the test's own.

const OLD = tinyWheel('mill', '1.0');
const NEW = tinyWheel('mill', '2.0');
const LOST = tinyWheel('mill', '3.0');
const FORGED = tinyWheel('forged', '1.0');
const ODD = tinyWheel('odd', '1.0');

/** Sigstore's own repository, as far as it matters here. */
const SIGSTORE = { evidence: 'tuf', layout: 'plain', root: 'root.json' };

let folder: string;
let sigstoreFiles: TestUpstream;
let pypi: FakePypi;
let root: string;
let place: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-provenance-'));
  const sigstore = await startSigstore();
  root = join(folder, 'trusted_root.json');
  await writeFile(root, JSON.stringify(sigstore.trustedRoot));
  pypi = await startFakePypi();
  for (const { wheel, about, version } of [
    { wheel: OLD, about: OLD, version: '1.0' },
    { wheel: NEW, about: NEW, version: '2.0' },
    { wheel: FORGED, about: OLD, version: '1.0' },
  ]) {
    const path = `integrity/${wheel.project}/${version}/${wheel.filename}/provenance`;
    pypi.upload(wheel.project, wheel, { provenance: `${pypi.url}${path}` });
    const sha256 = createHash('sha256').update(about.bytes).digest('hex');
    const attestation = await sigstore.attest({ filename: wheel.filename, sha256 });
    pypi.provenance.set(wheel.filename, provenanceOf(GITHUB_PUBLISHER, attestation));
  }
  pypi.upload('mill', LOST, {});
  pypi.upload('odd', ODD, {
    hashes: { sha512: digestHex('sha512', ODD.bytes) },
    provenance: `${pypi.url}integrity/odd/1.0/${ODD.filename}/provenance`,
  });
  const simulator = createSimulator({
    clock: createClock(Math.floor(Date.now() / 1000)),
    fill: (repository) =>
      repository.addTarget('targets', 'trusted_root.json', Buffer.from(JSON.stringify(sigstore.trustedRoot))),
  });
  sigstoreFiles = await startUpstream({ files: simulator.repository.files });
  await writeFile(join(folder, 'root.json'), simulator.rootBytes(1));
  place = [
    '--upstream',
    `${pypi.url}simple/`,
    '--file-host',
    `127.0.0.1:${pypi.files.port}`,
    '--data',
    join(folder, 'data'),
  ];
  const synced = await verbatim(
    'sync',
    '--project',
    'mill',
    '--project',
    'forged',
    '--project',
    'odd',
    ...place,
    '--write-locks',
    folder,
  );
  expect(synced.code, synced.stderr).toBe(0);
}, 120_000);

afterAll(async () => {
  await pypi.close();
  await sigstoreFiles.close();
  await rm(folder, { recursive: true });
});

it('says in words who published each release, and where somebody stopped saying so', async () => {
  const { code, stdout, stderr } = await verbatim('provenance', 'mill', ...place, '--trusted-root', root);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(
    [
      'Who published the files of mill (provenance, PEP 740), as far as it is held here:',
      '',
      '3.0  lost-provenance: no file says who published it, and the release before did',
      `  ${LOST.filename}: none`,
      '',
      '2.0  full-provenance: every file says who published it',
      `  ${NEW.filename}: published by GitHub octo/mill release.yml, verified`,
      '',
      '1.0  full-provenance: every file says who published it',
      `  ${OLD.filename}: published by GitHub octo/mill release.yml, verified`,
      '',
      `Judged by the trusted root of Sigstore in ${root}, of ${(await stat(root)).mtime.toISOString().slice(0, 10)}.`,
      '',
    ].join('\n'),
  );
});

it('fails where provenance is about another file', async () => {
  const { code, stdout } = await verbatim('provenance', FORGED.filename, ...place, '--trusted-root', root);
  expect(code).toBe(1);
  expect(stdout).toContain(
    'REFUSED, its provenance is wrong: it is about other bytes: its sha256 is not that of the file',
  );
});

it('calls nothing bad that the root which came with the program cannot check', async () => {
  const { code, stdout } = await verbatim('provenance', NEW.filename, ...place, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    index: 'main',
    project: 'mill',
    root: { from: 'packaged' },
    releases: [
      {
        version: '2.0',
        words: [],
        files: [
          { provenance: { result: 'unchecked', why: 'its transparency log is none that the trusted root knows' } },
        ],
      },
    ],
  });
});

it('says nothing of a file whose sha256 nobody states', async () => {
  const { code, stdout } = await verbatim('provenance', 'odd', ...place, '--trusted-root', root);
  expect(code).toBe(0);
  expect(stdout).toContain('cannot be checked here: the index states no sha256 of the file');
});

it("judges by the trusted root in a mirror of Sigstore's own repository", async () => {
  const [config, named] = [join(folder, 'both.yaml'), join(folder, 'named.yaml')];
  const main = { evidence: 'index', upstream: `${pypi.url}simple/`, file_hosts: [`127.0.0.1:${pypi.files.port}`] };
  const sigstore = { ...SIGSTORE, upstream: sigstoreFiles.url };
  await writeFile(config, JSON.stringify({ data: join(folder, 'data'), indexes: { main, sigstore } }));
  const given = ['--config', config];
  const server = await startVerbatim(given, join(folder, 'data'));
  const held = await fetch(new URL('/sigstore/tuf/targets/trusted_root.json', server.simple));
  expect(held.status).toBe(200);
  await held.arrayBuffer();
  await server.close();
  await writeFile(
    named,
    JSON.stringify({
      data: join(folder, 'data'),
      indexes: { main: { ...main, provenance: { root_from: 'sigstore' } }, sigstore },
    }),
  );
  // As the server judges by this configuration, or as the command says.
  for (const how of [
    ['--root-from', 'sigstore', ...given],
    ['--config', named],
  ]) {
    const { code, stdout, stderr } = await verbatim('provenance', NEW.filename, ...how);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('published by GitHub octo/mill release.yml, verified');
    expect(stdout).toContain(
      'Judged by the trusted root of Sigstore proved from the copy that the index sigstore holds of its repository.',
    );
  }
  const own = await verbatim('provenance', NEW.filename, ...given);
  expect(own.stdout).toContain('Judged by the trusted root of Sigstore that came with this program, of 2026-08-21.');
  const wrong = await verbatim('provenance', 'mill', '--index', 'sigstore', ...given);
  expect([wrong.code, wrong.stdout]).toEqual([1, '']);
  expect(wrong.stderr).toContain('Provenance is held of indexes that sign nothing');
});

it.each([
  [['nothing-held'], 'nothing-held'],
  [['mill-9.9-py3-none-any.whl'], 'lists no file mill-9.9-py3-none-any.whl'],
  [['../etc'], "is neither a project's name nor a file's"],
  [['mill', '--index', 'other'], 'other'],
  [['mill', '--root-from', 'main'], "is not signed: Sigstore's root comes from a copy of its TUF repository"],
  [['mill', '--trusted-root', '/nonexistent'], '/nonexistent'],
])('says what is wrong with %j', async (given, words) => {
  const { code, stderr, stdout } = await verbatim('provenance', ...given, ...place);
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain(words);
});
