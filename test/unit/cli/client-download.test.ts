import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clientDownload, clientInit } from '../../../src/cli/client.ts';
import { createClock } from '../../support/clock.ts';
import { createSimulator, type Simulator } from '../../support/simulator.ts';
import { startUpstream, type TestUpstream } from '../../support/upstream.ts';

const TARGET = 'dir/file.bin';
const BYTES = Buffer.alloc(100_000, 'what was signed ');

let directory: string;
let simulator: Simulator;
let upstream: TestUpstream;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-client-'));
  simulator = createSimulator({
    consistent: false,
    clock: createClock(Math.floor(Date.now() / 1000)),
    fill: (repository) => repository.addTarget('targets', TARGET, BYTES),
  });
  upstream = await startUpstream({ files: { get: (path) => simulator.repository.files.get(path) } });
  const root = join(directory, 'root.json');
  await writeFile(root, simulator.rootBytes(1));
  await clientInit(options(), root);
});
afterEach(async () => {
  await upstream.close();
  await rm(directory, { recursive: true, force: true });
});

const options = (targetName = TARGET) => ({
  metadataDir: join(directory, 'metadata'),
  metadataUrl: `${upstream.url}metadata`,
  targetDir: join(directory, 'targets'),
  targetName: [targetName],
});
const downloaded = () => readFile(join(directory, 'targets', encodeURIComponent(TARGET)));
const asked = () => upstream.requests.filter(({ url }) => url.endsWith(TARGET)).length;
const refused = (reason: string) => expect.objectContaining({ reason });

it('a target is asked for once, and not again where its bytes are there', async () => {
  await clientDownload(options());
  await clientDownload(options());
  expect((await downloaded()).equals(BYTES)).toBe(true);
  expect(asked()).toBe(1);
});

it('a target that nobody signed is not asked for', async () => {
  await expect(clientDownload(options('dir/other.bin'))).rejects.toEqual(refused('unlisted'));
  expect(asked()).toBe(0);
});

it('a target that is cut each time is given up', async () => {
  upstream.fault(`/targets/${TARGET}`, { kind: 'truncate', at: 50_000 });
  await expect(clientDownload(options())).rejects.toEqual(refused('truncated'));
  expect(asked()).toBe(3);
});

it.each([
  ['is another', { kind: 'flip', at: 7 }, 'digest'],
  ['is forbidden', { kind: 'status', status: 451 }, 'forbidden'],
  ['a proxy does not let through', { kind: 'status', status: 407 }, 'unreachable'],
] as const)('a target that %s is asked for once', async (_, fault, reason) => {
  upstream.fault(`/targets/${TARGET}`, fault);
  await expect(clientDownload(options())).rejects.toEqual(refused(reason));
  expect(asked()).toBe(1);
});
