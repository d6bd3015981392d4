import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { GITHUB_PUBLISHER, provenanceOf, startSigstore } from '../support/sigstore.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { verbatim } from '../support/verbatim.ts';

// `verbatim provenance`: who published what is held, judged by a Sigstore of the test's own.

const OLD = tinyWheel('mill', '1.0');
const NEW = tinyWheel('mill', '2.0');
const LOST = tinyWheel('mill', '3.0');
const FORGED = tinyWheel('forged', '1.0');

let folder: string;
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
  place = [
    '--upstream',
    `${pypi.url}simple/`,
    '--file-host',
    `127.0.0.1:${pypi.files.port}`,
    '--data',
    join(folder, 'data'),
  ];
  const synced = await verbatim('sync', '--project', 'mill', '--project', 'forged', ...place, '--write-locks', folder);
  expect(synced.code, synced.stderr).toBe(0);
}, 120_000);

afterAll(async () => {
  await pypi.close();
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
