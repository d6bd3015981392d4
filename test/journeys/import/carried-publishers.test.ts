import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { makeScratch } from '../../rigs/mirror.ts';
import { type FakePypi, startFakePypi } from '../../support/fake-pypi.ts';
import { nextSecond } from '../../support/next-second.ts';
import {
  GITHUB_CLAIMS,
  GITHUB_PUBLISHER,
  OTHER_CLAIMS,
  OTHER_PUBLISHER,
  provenanceOf,
  startSigstore,
  type TestSigstore,
} from '../../support/sigstore.ts';
import { type TinyWheel, tinyWheel } from '../../support/tiny-wheel.ts';
import { startVerbatim, verbatim } from '../../support/verbatim.ts';

// Whom files were expected from outside is expected behind the gap, by real commands and nothing between them but files.

let folder: string;
let sigstore: TestSigstore;
let pypi: FakePypi;
beforeAll(async () => {
  folder = await makeScratch();
  sigstore = await startSigstore();
  pypi = await startFakePypi({ maxAge: 0 });
  await writeFile(path('trusted_root.json'), JSON.stringify(sigstore.trustedRoot));
  await verbatim('keygen', path('key'));
}, 60_000);
afterAll(async () => {
  await pypi.close();
  await rm(folder, { recursive: true });
});

const path = (name: string) => join(folder, name);
const mirror = (name: string) => ['--config', path(`${name}.yaml`)];

async function configured(name: string, index: object, provenance: object): Promise<void> {
  const own = { trusted_root: path('trusted_root.json'), ...provenance };
  const main = { evidence: 'index', look_ahead: { enabled: false }, ...index, provenance: own };
  await writeFile(path(`${name}.yaml`), JSON.stringify({ data: path(name), indexes: { main } }));
}

const outside = (provenance: object) => {
  const from = { upstream: `${pypi.url}simple/`, file_hosts: [`127.0.0.1:${pypi.files.port}`], max_age: 0 };
  return configured('outside', from, provenance);
};

async function published(version: string, by: 'mill' | 'other') {
  const wheel = tinyWheel('mill', version);
  const subject = { filename: wheel.filename, sha256: sha256Hex(wheel.bytes) };
  const attestation = await sigstore.attest(subject, { claims: by === 'mill' ? GITHUB_CLAIMS : OTHER_CLAIMS });
  pypi.provenance.set(wheel.filename, provenanceOf(by === 'mill' ? GITHUB_PUBLISHER : OTHER_PUBLISHER, attestation));
  pypi.upload('mill', wheel, { provenance: `${pypi.url}integrity/mill/${version}/${wheel.filename}/provenance` });
  return wheel;
}

/** What the address of a file says, once the page of it was read. */
async function asked(name: string, wheel: TinyWheel, until = async () => undefined as unknown) {
  const server = await startVerbatim(mirror(name), path(name));
  try {
    const answer = async () => {
      await (await fetch(new URL('mill/', server.simple))).arrayBuffer();
      const got = await fetch(new URL(pypi.storedAt(wheel), server.simple));
      return { status: got.status, text: await got.text() };
    };
    await expect.poll(async () => (await answer()).status, { timeout: 60_000 }).not.toBe(404);
    const said = await answer();
    await until();
    return said;
  } finally {
    await server.close();
  }
}

async function carried(name: string, ...words: readonly string[]): Promise<string> {
  const made = await verbatim('export', path(name), ...mirror('outside'), '--key', path('key'), ...words);
  expect([made.code, made.stderr]).toEqual([0, '']);
  const taken = await verbatim('import', path(name), ...mirror('inside'));
  expect([taken.code, taken.stderr]).toEqual([0, '']);
  return taken.stdout;
}

const about = (what: string) => `whom files are expected from: ${what}`;

it('publishers that were remembered outside are those that a site behind a gap expects, though nobody has asked there', {
  timeout: 240_000,
}, async () => {
  await outside({ mode: 'report' });
  const keys = [{ name: 'outside', ed25519_file: path('key.pub') }];
  await configured('inside', { import: { keys } }, { mode: 'require-when-present' });
  const first = await published('1.0', 'mill');
  let at = 0;
  const exported = async () =>
    (await verbatim('provenance', '--export', path(`${++at}.json`), ...mirror('outside'))).stdout;
  // It is found out behind the answer.
  const known = () => expect.poll(exported, { timeout: 60_000 }).toContain('Who publishes 1 project of main');
  expect((await asked('outside', first, known)).status).toBe(200);
  expect(await carried('one.tar')).toContain(about('taken for 1 project, known here as the bundle says for 0'));

  await nextSecond();
  const changed = await published('2.0', 'other');
  expect((await asked('outside', changed)).status).toBe(200);
  const synced = await verbatim('sync', '--project', 'mill', ...mirror('outside'), '--write-locks', folder);
  expect(synced.code, synced.stderr).toBe(0);
  // What has not changed is not carried again.
  expect(await carried('two.tar', '--since', '1')).not.toContain(about(''));
  const refused = await asked('inside', changed);
  expect([refused.status, refused.text]).toEqual([
    403,
    expect.stringContaining(
      'was published by GitHub evil/mill release.yml, and the files before it by GitHub octo/mill',
    ),
  ]);
  expect((await asked('inside', first)).status).toBe(200);

  expect(await carried('three.tar')).toContain(about('taken for 0 projects, known here as the bundle says for 1'));
  await outside({ mode: 'report', export: false });
  expect(await carried('four.tar')).not.toContain(about(''));
});
