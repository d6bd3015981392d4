import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { TrustedDirectory } from '../../../src/cli/trusted-directory.ts';
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
