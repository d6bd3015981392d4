import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { TrustedDirectory } from '../../../src/cli/trusted-directory.ts';
import type { MetadataSource } from '../../../src/tuf/refresh.ts';
import { createSimulator } from '../../support/simulator.ts';

it('the directory of a client keeps every root on its way, and trusts the newest', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-client-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const simulator = createSimulator();
  simulator.repository.publishRoot();
  simulator.repository.publishRoot();
  const refresh = async () => {
    const trust = await TrustedDirectory.open(directory);
    await trust.refresh(simulator.source, simulator.clock.now());
    trust.close();
  };
  await TrustedDirectory.init(directory, simulator.rootBytes(1));
  await refresh();
  const history = join(directory, 'root_history');
  expect((await readdir(history)).sort()).toEqual(['1.root.json', '2.root.json', '3.root.json']);
  for (const version of [1, 2, 3])
    expect((await readFile(join(history, `${version}.root.json`))).equals(simulator.rootBytes(version))).toBe(true);
  expect((await readFile(join(directory, 'root.json'))).equals(simulator.rootBytes(3))).toBe(true);
  // From then on nothing is asked for again.
  simulator.reads.length = 0;
  await refresh();
  expect(simulator.reads).toEqual(['4.root.json', 'timestamp.json']);
});

async function afterRoots(count: number) {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-client-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const simulator = createSimulator();
  await TrustedDirectory.init(directory, simulator.rootBytes(1));
  const refresh = async (source: MetadataSource = simulator.source) => {
    const trust = await TrustedDirectory.open(directory);
    try {
      await trust.refresh(source, simulator.clock.now());
    } finally {
      trust.close();
    }
  };
  await refresh();
  for (let version = 2; version <= count; version++) simulator.repository.publishRoot();
  const newest = async () => {
    const bytes = await readFile(join(directory, 'root.json'));
    return JSON.parse(bytes.toString()).signed.version;
  };
  return { directory, simulator, refresh, newest };
}

it('a long chain of roots is on disk before anything under it is asked for, and most of it before its end', async () => {
  const { simulator, refresh, newest } = await afterRoots(40);
  const onDisk: [asked: string, newest: number][] = [];
  await refresh({
    async read(wanted) {
      onDisk.push([wanted.role === 'root' ? `root ${wanted.version}` : wanted.role, await newest()]);
      return simulator.source.read(wanted);
    },
  });
  expect(onDisk).toContainEqual(['root 34', 33]);
  expect(onDisk).toContainEqual(['root 41', 33]);
  expect(onDisk).toContainEqual(['timestamp', 40]);
});

it('a chain of roots that breaks leaves the last that was good', async () => {
  const { simulator, refresh, newest } = await afterRoots(9);
  const broken = refresh({
    async read(wanted) {
      const bytes = await simulator.source.read(wanted);
      return wanted.role === 'root' && wanted.version === 6 ? simulator.rootBytes(1) : bytes;
    },
  });
  await expect(broken).rejects.toMatchObject({ reason: 'rollback' });
  expect(await newest()).toBe(5);
});
