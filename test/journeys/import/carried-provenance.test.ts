import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakePypi, startFakePypi } from '../../support/fake-pypi.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../../support/verbatim.ts';

// What upstream says beside a file, and nothing proves, is there where nobody can be asked.

const ALPHA = tinyWheel('alpha');
const SIGNATURE = Buffer.from('-----BEGIN PGP SIGNATURE-----\r\n\u0000\u00ff\n-----END PGP SIGNATURE-----\n', 'latin1');
const PROVENANCE = '{"version":1,"attestation_bundles":[]}';

let folder: string;
let pypi: FakePypi;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-relayed-'));
  pypi = await startFakePypi();
  const announced = { provenance: `${pypi.url}integrity/alpha/1.0/${ALPHA.filename}/provenance`, 'gpg-sig': true };
  pypi.upload('alpha', ALPHA, announced);
  pypi.contents.set(`${pypi.storedAt(ALPHA).slice(1)}.asc`, SIGNATURE);
  await mkdir(join(folder, 'stick'));
  await verbatim('keygen', join(folder, 'key'));
});
afterAll(async () => {
  await pypi.close();
  await rm(folder, { recursive: true });
});

async function relayed({ simple }: RunningVerbatim): Promise<readonly unknown[]> {
  const provenance = await fetch(new URL(`/integrity/alpha/1.0/${ALPHA.filename}/provenance`, simple));
  const signature = await fetch(new URL(`${pypi.storedAt(ALPHA)}.asc`, simple));
  return [
    provenance.headers.get('verbatim-evidence'),
    await provenance.text(),
    signature.headers.get('verbatim-evidence'),
    Buffer.from(await signature.arrayBuffer()),
  ];
}

it('provenance and a detached signature are kept by a sync, served offline, carried and served inside', async () => {
  const data = join(folder, 'outside');
  const outside = ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
  const synced = await verbatim(
    'sync',
    '--project',
    'alpha',
    '--latest-release',
    '1',
    ...outside,
    '--data',
    data,
    '--write-locks',
    folder,
  );
  expect(synced.code, synced.stderr).toBe(0);
  const expected = ['none', PROVENANCE, 'none', SIGNATURE];
  const offline = await startVerbatim([...outside, '--offline'], data);
  expect(await relayed(offline).finally(() => offline.close())).toEqual(expected);
  const place = ['export', join(folder, 'stick', 'all.tar'), '--key', join(folder, 'key')];
  const made = await verbatim(...place, ...outside, '--data', data, '--json');
  expect([made.code, made.stderr]).toEqual([0, '']);
  const config = join(folder, 'inside.yaml');
  await writeFile(
    config,
    `data: ${join(folder, 'inside')}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519_file: ${join(folder, 'key.pub')} }]\n`,
  );
  const taken = await verbatim('import', join(folder, 'stick', 'all.tar'), '--config', config);
  expect([taken.code, taken.stderr]).toEqual([0, '']);
  const inside = await startVerbatim(['--config', config], join(folder, 'inside'));
  expect(await relayed(inside).finally(() => inside.close())).toEqual(expected);
});
