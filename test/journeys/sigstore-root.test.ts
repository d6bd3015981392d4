import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClock } from '../support/clock.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { sigstoreRepository } from '../support/sigstore-repository.ts';
import { createSimulator } from '../support/simulator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// What is believed of Sigstore comes from its production repository, proved from the root that is in the program: over the network, and in bundles.

const THEN = Date.UTC(2026, 7, 21) / 1000;
const TRUSTED = 'targets/trusted_root.json';

let folder: string;
let pypi: FakePypi;
let production: TestUpstream;
const published = sigstoreRepository('');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-sigstore-root-'));
  pypi = await startFakePypi();
  production = await startUpstream({ files: published });
  await verbatim('keygen', join(folder, 'key'));
}, 60_000);

afterAll(async () => {
  await pypi.close();
  await production.close();
  await rm(folder, { recursive: true });
});

/** A configuration with an index whose files are judged, and a mirror of Sigstore's repository. */
async function configured(name: string, { main, sigstore, ...others }: { main: object; sigstore: object }) {
  const file = join(folder, `${name}.yaml`);
  const indexes = { main: { evidence: 'index', ...main }, sigstore: { layout: 'sigstore', ...sigstore } };
  await writeFile(file, JSON.stringify({ data: join(folder, name), indexes, ...others }));
  return file;
}

const fetched = () => ({ upstream: `${pypi.url}simple/`, file_hosts: [`127.0.0.1:${pypi.files.port}`] });
const carried = () => ({ keys: [{ name: 'outside', ed25519_file: join(folder, 'key.pub') }], max_age: 36_500 });
const started = (config: string, name: string) =>
  startVerbatim(['--config', config, '--admin-port', '0'], join(folder, name));

async function told({ metrics }: RunningVerbatim): Promise<readonly string[]> {
  const text = await (await fetch(metrics ?? '')).text();
  return text.split('\n').filter((line) => /^verbatim_(sigstore_root|condition\{what="sigstore)/.test(line));
}

it('is proved, kept current, and carried behind a gap, where no key of a bundle decides', {
  timeout: 240_000,
}, async () => {
  const config = await configured('outside', {
    main: fetched(),
    sigstore: { upstream: production.url },
    ...{ reference_time: '2026-08-21T00:00:00Z' },
  });
  const outside = await started(config, 'outside');
  const current = [expect.stringMatching(/^verbatim_sigstore_root_timestamp_seconds\{index="main",from="index"\} \d/)];
  await expect.poll(() => told(outside), { timeout: 60_000 }).toEqual(current);
  const held = await fetch(new URL(`/sigstore/tuf/${TRUSTED}`, outside.simple));
  expect(Buffer.from(await held.arrayBuffer()).equals(Buffer.from(published.get(TRUSTED) ?? ''))).toBe(true);
  await outside.close();

  const bundle = join(folder, 'sigstore.tar');
  const made = await verbatim(
    'export',
    bundle,
    '--index',
    'sigstore',
    '--key',
    join(folder, 'key'),
    '--config',
    config,
  );
  expect(made.code, made.stderr).toBe(0);
  const inside = await configured('inside', { main: { import: carried() }, sigstore: { import: carried() } });
  const taken = await verbatim('import', bundle, '--index', 'sigstore', '--config', inside);
  expect([taken.code, taken.stderr]).toEqual([0, '']);
  const server = await started(inside, 'inside');
  await expect.poll(() => told(server), { timeout: 60_000 }).toEqual(current);
  await server.close();
});

it('of somebody else is taken from nobody, and the copy of the program stays in force', {
  timeout: 240_000,
}, async () => {
  const simulator = createSimulator({
    clock: createClock(Math.floor(Date.now() / 1000)),
    fill: (repository) => repository.addTarget('targets', 'trusted_root.json', Buffer.from('{}')),
  });
  const files = [...simulator.repository.files].map(
    ([name, bytes]) => [name.replace(/^metadata\//, ''), bytes] as const,
  );
  const forged = await startUpstream({ files: new Map(files) });
  const config = await configured('forged', { main: fetched(), sigstore: { upstream: forged.url } });
  const server = await started(config, 'forged');
  await expect
    .poll(() => told(server), { timeout: 60_000 })
    .toEqual([
      'verbatim_condition{what="sigstore-root",index="main"} 1',
      `verbatim_sigstore_root_timestamp_seconds{index="main",from="packaged"} ${THEN}`,
    ]);
  await server.close();
  await forged.close();

  // Whoever has the key of the bundles has none of Sigstore's.
  const root = join(folder, 'forged-root.json');
  await writeFile(root, simulator.rootBytes(1));
  const own = await startUpstream({ files: new Map(files) });
  const theirs = await configured('theirs', { main: fetched(), sigstore: { upstream: own.url, root } });
  const outside = await started(theirs, 'theirs');
  expect((await fetch(new URL(`/sigstore/tuf/${TRUSTED}`, outside.simple))).status).toBe(200);
  await outside.close();
  await own.close();
  const bundle = join(folder, 'forged.tar');
  const made = await verbatim(
    'export',
    bundle,
    '--index',
    'sigstore',
    '--key',
    join(folder, 'key'),
    '--config',
    theirs,
  );
  expect(made.code, made.stderr).toBe(0);
  const inside = await configured('fooled', { main: { import: carried() }, sigstore: { import: carried() } });
  const taken = await verbatim('import', bundle, '--index', 'sigstore', '--config', inside);
  expect(taken.code).toBe(1);
  expect(taken.stderr).toMatch(/root/);
});
