import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { type Mirror, makeScratch, NOW, signedConfig, startMirror, unsignedConfig } from '../rigs/mirror.ts';
import { KEYS } from '../rigs/signed-rig.ts';
import { createClock, DAY, type TestClock } from '../support/clock.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

// One address over an index that is signed and one that signs nothing: what the signatures do not prove absent is not the other one's.

const OURS = tinyWheel('shared');
const THEIRS = tinyWheel('shared', '99.0', 'evil');
const PLAIN = tinyWheel('requests', '2.0');
const LOST = tinyWheel('acme-lost', '99.0', 'evil');

let upstream: TestUpstream;
let open: FakePypi;
let clock: TestClock;
let mirror: Mirror;

beforeEach(async () => {
  clock = createClock(NOW);
  const signed = new SignedIndex({ keys: KEYS, binBits: 2, pageFormat: 'json', now: clock.now });
  signed.upload('shared', OURS);
  signed.publish();
  const files = pep458Paths(signed.repository.files);
  [upstream, open] = await Promise.all([startUpstream({ files, time: clock.now }), startFakePypi()]);
  for (const wheel of [THEIRS, PLAIN, LOST]) open.upload(wheel.project, wheel);
  const scratch = await makeScratch();
  const root = join(scratch, 'root.json');
  await writeFile(root, files.get('metadata/1.root.json') ?? '');
  const indexes = () => [
    signedConfig({ name: 'signed', upstream: upstream.url, root }),
    unsignedConfig({ name: 'public', upstream: `${open.url}simple/`, fileHosts: [`127.0.0.1:${open.files.port}`] }),
  ];
  const addresses = { main: { name: 'main', of: ['signed', 'public'], owned: { signed: ['acme-*'] } } };
  mirror = await startMirror({ scratch, clock, indexes, addresses });
});
afterEach(async () => {
  await mirror.close();
  await Promise.all([upstream.close(), open.close()]);
});

const evidence = async (project: string) => (await mirror.get(`/simple/${project}/`)).headers['verbatim-evidence'];
const fileOf = async (project: string) => {
  const [file] = (await mirror.page(project)).files;
  return new URL(file?.url ?? '', `http://mirror.example/simple/${project}/`).pathname;
};

describe('one address over a signed index and one that signs nothing', () => {
  it('has each project whole from one of them, with the evidence of that one', async () => {
    expect(await mirror.names('shared')).toEqual([OURS.filename]);
    expect(await mirror.names('requests')).toEqual([PLAIN.filename]);
    expect([await evidence('shared'), await evidence('requests')]).toEqual(['tuf', 'index']);
    for (const wheel of [OURS, PLAIN])
      expect((await mirror.get(await fileOf(wheel.project))).body.equals(wheel.bytes)).toBe(true);
    expect(await mirror.refused(open.storedAt(THEIRS))).toBe('404 unlisted');
    expect(open.asked('shared')).toEqual([]);
  });

  it('has nothing of a name that is the signed one’s and not there', async () => {
    expect(await mirror.refused('/simple/acme-lost/')).toBe('404 unlisted');
    expect(open.asked('acme-lost')).toEqual([]);
  });

  it('takes signatures that cannot be had for no proof that a name is not there', async () => {
    upstream.fault('*', { kind: 'status', status: 404 });
    await mirror.restart();
    for (const project of ['shared', 'requests'])
      expect((await mirror.get(`/simple/${project}/`)).status, project).toBeGreaterThanOrEqual(500);
    expect([...open.asked('shared'), ...open.asked('requests')]).toEqual([]);
  });

  it('takes signatures that have expired for no proof either', async () => {
    expect(await mirror.names('requests')).toEqual([PLAIN.filename]);
    const asked = open.asked('requests').length;
    clock.advance(3650 * DAY);
    for (const project of ['shared', 'requests'])
      expect(await mirror.refused(`/simple/${project}/`), project).toBe('503 expired');
    expect(open.asked('shared')).toEqual([]);
    expect(open.asked('requests')).toHaveLength(asked);
  });
});
