import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JSON_PAGE, makeScratch, type SimplePage } from '../rigs/mirror.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { type TinyWheel, tinyWheel, zip } from '../support/tiny-wheel.ts';
import { startVerbatim } from '../support/verbatim.ts';
import { askAnew } from '../support/workers.ts';

// A condition on what lies in files, in a server of two processes, at an index's own address and at one over several.

const PATIENCE = { timeout: 120_000, interval: 500 };
const GOOD = { ...tinyWheel('alpha'), uploadTime: '2026-01-02T00:00:00Z' };
const BAD: TinyWheel = startingUp(tinyWheel('alpha', '1.1'));

/** The same with a file that Python runs at each start. */
function startingUp(wheel: TinyWheel): TinyWheel {
  const bytes = zip([
    ['evil.pth', Buffer.from('import os\n')],
    ['alpha-1.1.dist-info/METADATA', wheel.coreMetadata],
    ['alpha-1.1.dist-info/RECORD', Buffer.from('')],
  ]);
  return { ...wheel, bytes, uploadTime: '2026-01-03T00:00:00Z' };
}

let directory: string;
let pypi: FakePypi;
let own: FakePypi;
beforeEach(async () => {
  directory = await makeScratch();
  [pypi, own] = await Promise.all([startFakePypi(), startFakePypi()]);
  for (const wheel of [GOOD, BAD]) pypi.upload('alpha', wheel);
  own.upload('mill', tinyWheel('mill'));
});
afterEach(async () => {
  await Promise.all([pypi.close(), own.close()]);
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 250 });
});

it('is added and dropped by SIGHUP, for every process and every address', { timeout: 600_000 }, async () => {
  const policy = (text: string) => writeFile(join(directory, 'policy.yaml'), `${text}\n`);
  const index = ({ url, files }: FakePypi) =>
    `upstream: "${url}simple/", evidence: index, file_hosts: ["127.0.0.1:${files.port}"]`;
  const config = join(directory, 'verbatim.yaml');
  const lines = [
    'server: { port: 0, workers: 2 }',
    'indexes:',
    `  own: { ${index(own)} }`,
    `  public: { ${index(pypi)}, policy_file: policy.yaml }`,
    '  main: { of: [own, public] }',
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  await policy('names: { deny: [beta] }');
  const server = await startVerbatim(['--config', config], join(directory, 'data'));
  try {
    await expect.poll(server.log, PATIENCE).toContain('worker 2 answers');
    const at = (path: string) => new URL(path, server.simple).href;
    /** Of both addresses and each process, as new connections go round. */
    const said = async (): Promise<readonly string[]> => {
      const all = ['public', 'main'].flatMap((name) =>
        Array.from({ length: 6 }, async () => {
          const page = await askAnew(at(`/${name}/simple/alpha/`), { accept: JSON_PAGE });
          const { files }: SimplePage = JSON.parse(await page.text());
          const file = await askAnew(at(`/${name}${pypi.storedAt(BAD)}`));
          await file.arrayBuffer();
          return `${files.map(({ filename }) => filename)} ${file.status}`;
        }),
      );
      return [...new Set(await Promise.all(all))];
    };
    const free = `${GOOD.filename},${BAD.filename} 200`;
    await expect.poll(said, PATIENCE).toEqual([free]);
    await policy('conditions: [{ when: new-pth, do: hide, unjudged: report }]');
    process.kill(server.pid, 'SIGHUP');
    await expect.poll(said, PATIENCE).toEqual([`${GOOD.filename} 403`]);
    await policy('names: { deny: [beta] }');
    process.kill(server.pid, 'SIGHUP');
    await expect.poll(said, PATIENCE).toEqual([free]);
  } finally {
    await server.close();
  }
});
