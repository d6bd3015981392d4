import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startVerbatim, verbatim } from '../support/verbatim.ts';

// What a sync holds is spared from eviction and from a prune for so many days, however little room there is.

const BYTES = 300_000;
const wheel = (project: string, version = '1.0') => tinyWheel(project, version, project.repeat(BYTES / project.length));
const SYNCED = wheel('synced');
const others = ['first', 'second', 'third', 'fourth', 'fifth'].map((project) => wheel(project));

it('what was synced stays while others are fetched and though upstream lists it no more, until its time is over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'verbatim-holds-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const data = join(folder, 'data');
  const pypi = await startFakePypi();
  onTestFinished(() => pypi.close());
  for (const each of [SYNCED, ...others]) pypi.upload(each.project, each);
  const config = join(folder, 'verbatim.yaml');
  const configure = (days: number) =>
    writeFile(
      config,
      `data: ${data}\nsync: { hold_days: ${days} }\ncache: { max_bytes: ${3 * BYTES} }\nindexes:\n  main:\n    evidence: index\n    upstream: ${pypi.url}simple/\n    file_hosts: [127.0.0.1:${pypi.files.port}]\n`,
    );
  await configure(30);
  const server = await startVerbatim(['--config', config], data);
  const sha256 = sha256Hex(SYNCED.bytes);
  const isThere = () =>
    stat(join(data, 'blobs', 'sha256', sha256.slice(0, 2), sha256.slice(2))).then(
      () => true,
      () => false,
    );
  try {
    const synced = await verbatim('sync', '--project', 'synced', '--config', config);
    expect([synced.code, synced.stderr.includes('not told')]).toEqual([0, false]);
    const get = async (path: string) => (await fetch(new URL(path, server.simple))).arrayBuffer();
    for (const each of others.flatMap((one) => [one, one])) {
      await get(`${each.project}/`);
      await get(pypi.storedAt(each));
    }
    expect(await isThere()).toBe(true);
    const status = await verbatim('status', '--config', config);
    expect(status.stdout).toMatch(
      /spared until 20\d\d-\d\d-\d\d \(sync\.hold_days\) for the sync of projects synced: 1 file, 0\.3 MB/,
    );
    const { holds } = JSON.parse((await verbatim('status', '--json', '--config', config)).stdout);
    expect(holds).toMatchObject([{ index: 'main', sync: 'projects synced', files: 1 }]);
    expect(holds[0].until - holds[0].at).toBe(30 * 86_400);
  } finally {
    await server.close();
  }
  pypi.removeProject('synced');
  const pruned = await verbatim('prune', '--json', '--config', config);
  expect(JSON.parse(pruned.stdout).stays.sync.files).toBe(1);
  expect(await isThere()).toBe(true);
  await configure(0);
  const status = await verbatim('status', '--json', '--config', config);
  expect(JSON.parse(status.stdout).holds).toEqual([]);
  const restarted = await startVerbatim(['--config', config], data);
  try {
    const [one, two] = [wheel('sixth'), wheel('seventh')];
    for (const each of [one, two]) {
      pypi.upload(each.project, each);
      for (let times = 0; times < 2; times++) {
        await fetch(new URL(`${each.project}/`, restarted.simple)).then((page) => page.arrayBuffer());
        await fetch(new URL(pypi.storedAt(each), restarted.simple)).then((file) => file.arrayBuffer());
      }
    }
    await expect.poll(isThere, { timeout: 60_000 }).toBe(false);
  } finally {
    await restarted.close();
  }
}, 240_000);
