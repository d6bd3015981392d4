import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
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
import { withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// Whom files are expected from, carried from one mirror to another that has never seen the project.

let folder: string;
let sigstore: TestSigstore;
let pypi: FakePypi;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-publishers-'));
  sigstore = await startSigstore();
  pypi = await startFakePypi({ maxAge: 0 });
  await writeFile(join(folder, 'trusted_root.json'), JSON.stringify(sigstore.trustedRoot));
}, 60_000);

afterAll(async () => {
  await pypi.close();
  await rm(folder, { recursive: true });
});

async function configured(name: string): Promise<string> {
  const main = {
    evidence: 'index',
    upstream: `${pypi.url}simple/`,
    file_hosts: [`127.0.0.1:${pypi.files.port}`],
    max_age: 0,
    look_ahead: { enabled: false },
    provenance: { mode: 'require-when-present', trusted_root: join(folder, 'trusted_root.json') },
  };
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, JSON.stringify({ data: join(folder, name), indexes: { main } }));
  return file;
}

async function published(version: string, by: 'mill' | 'other') {
  const wheel = tinyWheel('mill', version);
  const subject = { filename: wheel.filename, sha256: digestHex('sha256', wheel.bytes) };
  const attestation = await sigstore.attest(subject, { claims: by === 'mill' ? GITHUB_CLAIMS : OTHER_CLAIMS });
  pypi.provenance.set(wheel.filename, provenanceOf(by === 'mill' ? GITHUB_PUBLISHER : OTHER_PUBLISHER, attestation));
  pypi.upload('mill', wheel, { provenance: `${pypi.url}integrity/mill/${version}/${wheel.filename}/provenance` });
  return wheel;
}

const PAGE = { headers: { accept: 'application/vnd.pypi.simple.v1+json' } };

async function asked({ simple }: RunningVerbatim, filename: string) {
  const page = await fetch(new URL('mill/', simple), PAGE);
  const { files } = JSON.parse(await page.text()) as { files: { filename: string; url: string }[] };
  const file = files.find((each) => each.filename === filename);
  const answer = file && (await fetch(new URL(file.url, page.url)));
  return { status: answer?.status, text: await answer?.text() };
}

const auditOf = (data: string) =>
  withState(data, async (index) => ((await index.facts.read())?.value.audit ?? []).map(({ action }) => action));

const importing = (file: string, config: string, ...others: readonly string[]) =>
  verbatim('provenance', '--import', file, '--reason', 'known outside', '--config', config, ...others);

it('publishers that one mirror remembers are those that another expects, and nobody who is known is replaced', {
  timeout: 240_000,
}, async () => {
  const config = await configured('outside');
  const outside = await startVerbatim(['--config', config], join(folder, 'outside'));
  expect((await asked(outside, (await published('1.0', 'mill')).filename)).status).toBe(200);
  let at = 0;
  const exported = async () => {
    const file = join(folder, `pins-${++at}.json`);
    const { code, stderr } = await verbatim('provenance', '--export', file, '--config', config);
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  };
  const publisher = {
    kind: 'GitHub',
    name: 'octo/mill',
    id: 'https://github.com repository 4711',
    workflow: 'release.yml',
  };
  await expect.poll(exported, { timeout: 60_000 }).toEqual({
    format: 'verbatim-publishers/1',
    index: 'main',
    projects: [{ project: 'mill', publishers: [publisher] }],
  });
  await outside.close();
  const pins = join(folder, `pins-${at}.json`);
  const over = await verbatim('provenance', '--export', pins, '--config', config);
  expect([over.code, over.stderr]).toEqual([1, expect.stringContaining('nothing is written over')]);

  // Nobody has asked for anything there yet.
  const inside = await configured('inside');
  const server = await startVerbatim(['--config', inside], join(folder, 'inside'));
  const rehearsed = await importing(pins, inside, '--dry-run');
  expect([rehearsed.code, rehearsed.stdout]).toEqual([
    0,
    expect.stringContaining('would expect of mill: GitHub octo/mill release.yml'),
  ]);
  const taken = await importing(pins, inside);
  expect([taken.code, taken.stdout]).toEqual([
    0,
    expect.stringContaining('expected from now on of mill: GitHub octo/mill release.yml'),
  ]);
  const again = await importing(pins, inside);
  expect([again.code, again.stdout]).toEqual([0, '1 are known here as they are in the file.\n']);

  await nextSecond();
  const changed = await published('2.0', 'other');
  const answer = async () => (await asked(server, changed.filename)).text;
  expect(await answer()).toContain(
    'was published by GitHub evil/mill release.yml, and the files before it by GitHub octo/mill',
  );

  const forged = join(folder, 'forged.json');
  const projects = [{ project: 'mill', publishers: [{ ...publisher, id: 'https://github.com repository 666' }] }];
  await writeFile(forged, JSON.stringify({ format: 'verbatim-publishers/1', index: 'main', projects }));
  const refused = await importing(forged, inside);
  expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('NOT TAKEN for mill')]);
  await server.close();
  // Without a server the data directory itself is asked.
  expect((await importing(forged, inside, '--json')).stdout).toContain('"result": "conflict"');
  expect(await auditOf(join(folder, 'inside'))).toEqual(['provenance --import, mill']);
});
