import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseThread } from '../src/disk/database/database-thread.ts';
import { createDurable } from '../src/disk/durable.ts';
import { nodeFileOps } from '../src/disk/file-ops.ts';
import { RecordsDatabase } from '../src/disk/records/records-database.ts';
import { type FakePypi, startFakePypi } from '../test/support/fake-pypi.ts';
import { withDirectory } from './support/index.ts';
import { serve } from './support/mirror.ts';
import { run, VERBATIM } from './support/processes.ts';
import { atMost, type Measure, mebibytes, milliseconds } from './support/table.ts';

/** SIMULATE_RECORDS for fewer. */
const RECORDS = Number(process.env['SIMULATE_RECORDS'] ?? 1_000_000);
const PROJECTS = 500;
const FILES = 20;
const CLIENTS = 400;
const DAYS = 30;
const DAY = 86_400;
const AT_ONCE = 10_000;
const MOST_MS = 60_000;
const ONE_CORE = ['-c', '0'];

const POLICY = `
minimum_age: 7d
names: { deny: ["*-49?", "simulated-3 <1.5"] }
conditions:
  - { when: late-file, after: 14d, do: hide }
  - { when: sdist-only, do: report }
`;

/** `verbatim policy simulate` over a month of a busy site's access record, as a command on one core. */
export const simulate: Measure = (log) =>
  withDirectory(async (directory) => {
    const pypi = await startFakePypi();
    try {
      const now = Math.floor(Date.now() / 1000);
      for (let at = 0; at < PROJECTS; at++) upload(pypi, at, now);
      const digests = await holdPages(directory, pypi);
      log(`simulate: ${RECORDS.toLocaleString('en')} records of ${PROJECTS * FILES} files are written`);
      await writeRecords(join(directory, 'data'), now, digests);
      const [config, policy] = [join(directory, 'verbatim.yaml'), join(directory, 'policy.yaml')];
      writeFileSync(policy, POLICY);
      writeFileSync(config, JSON.stringify({ data: join(directory, 'data'), indexes: { main: indexOf(pypi) } }));
      log('simulate: the command');
      const words = ['policy', 'simulate', policy, '--since', `${DAYS + 1}d`, '--config', config, '--json'];
      const ended = await run('taskset', [...ONE_CORE, process.execPath, VERBATIM, ...words]);
      const { sent, unknown, refused } = JSON.parse(ended.stdout);
      if (sent !== RECORDS || unknown !== 0 || refused.length === 0)
        throw new Error(`of ${sent} records ${unknown} were unknown, and ${refused.length} refused`);
      return [
        atMost(
          `verbatim policy simulate over ${RECORDS.toLocaleString('en')} records, the whole command on one core`,
          ended.milliseconds,
          MOST_MS,
          milliseconds,
          `${refused.length.toLocaleString('en')} would have been refused, ${mebibytes(ended.peak)} at most`,
        ),
      ];
    } finally {
      await pypi.close();
    }
  });

const nameOf = (project: number) => `simulated-${project}`;
const fileOf = (project: number, file: number) => `simulated_${project}-1.${file}-py3-none-any.whl`;

/** A file every three days, the newest of today. */
function upload(pypi: FakePypi, project: number, now: number): void {
  for (let file = 0; file < FILES; file++)
    pypi.upload(nameOf(project), {
      filename: fileOf(project, file),
      bytes: Buffer.from(`${project} ${file}`),
      uploadTime: new Date((now - (FILES - file) * 3 * DAY) * 1000).toISOString(),
    });
}

function indexOf({ url, files }: FakePypi) {
  return {
    evidence: 'index',
    upstream: `${url}simple/`,
    file_hosts: [`127.0.0.1:${files.port}`],
    look_ahead: { enabled: false },
  };
}

/** A mirror that was asked for each page; answers with the digests of their files. */
async function holdPages(directory: string, pypi: FakePypi): Promise<ReadonlyMap<string, string>> {
  const config = join(directory, 'serve.yaml');
  writeFileSync(config, JSON.stringify({ indexes: { main: indexOf(pypi) } }));
  const mirror = await serve(directory, ['--config', config]);
  const digests = new Map<string, string>();
  try {
    for (let at = 0; at < PROJECTS; at++) {
      const page = await fetch(`${mirror.url}simple/${nameOf(at)}/`, {
        headers: { accept: 'application/vnd.pypi.simple.v1+json' },
      });
      const { files } = (await page.json()) as {
        readonly files: readonly { readonly filename: string; readonly hashes: { readonly sha256: string } }[];
      };
      for (const { filename, hashes } of files) digests.set(filename, hashes.sha256);
    }
  } finally {
    await mirror.stop();
  }
  return digests;
}

/** As servers write them: a line for each client, file and day. */
async function writeRecords(root: string, now: number, digests: ReadonlyMap<string, string>): Promise<void> {
  const tempDirectory = join(root, 'tmp', 'bench');
  mkdirSync(tempDirectory, { recursive: true });
  const thread = new DatabaseThread();
  const records = new RecordsDatabase(createDurable({ ops: nodeFileOps, root, tempDirectory }), root, thread);
  try {
    for (let begun = 0; begun < RECORDS; begun += AT_ONCE) {
      const lines = Array.from({ length: Math.min(AT_ONCE, RECORDS - begun) }, (_, at) =>
        JSON.stringify(recordOf(begun + at, now, digests)),
      );
      await records.append('access', lines, Number.MAX_SAFE_INTEGER);
    }
  } finally {
    await records.close();
    await thread.end();
  }
}

/** No two of one client, file and day. */
function recordOf(at: number, now: number, digests: ReadonlyMap<string, string>) {
  const client = at % CLIENTS;
  const fetched = Math.floor(at / CLIENTS);
  const [project, file] = [fetched % PROJECTS, Math.floor(fetched / PROJECTS) % FILES];
  const name = fileOf(project, file);
  return {
    at: now - Math.floor((1 - at / RECORDS) * DAYS * DAY),
    client: `10.1.${client >> 8}.${client & 255}`,
    index: 'main',
    project: nameOf(project),
    file: name,
    sha256: digests.get(name) ?? '',
  };
}
