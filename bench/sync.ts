import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { type FakePypi, startFakePypi } from '../test/support/fake-pypi.ts';
import { bandersnatch } from './support/bandersnatch.ts';
import { withDirectory } from './support/index.ts';
import { serve } from './support/mirror.ts';
import { run, VERBATIM } from './support/processes.ts';
import { alternate, compare, type Measure, perSecond } from './support/table.ts';
import { waitsBeside } from './support/waits.ts';

const PROJECTS = 100;
const FILES = 20;
const SIZE = 20_000;
const ROUNDS = 2;
/** As bandersnatch is set up by default; it may have ten. */
const WORKERS = 10;

const names = Array.from({ length: PROJECTS }, (_, at) => `bench-${at}`);

/** Many small files from an index on loopback, proved and durable; and a client's warm page while that goes on. */
export const sync: Measure = (log) =>
  withDirectory(async (directory) => {
    const pypi = await startFakePypi();
    for (const name of names)
      for (let at = 0; at < FILES; at++)
        pypi.upload(name, { filename: `${name.replace('-', '_')}-1.${at}-py3-none-any.whl`, bytes: randomBytes(SIZE) });
    const other = await bandersnatch();
    try {
      log(`sync: ${PROJECTS * FILES} files of ${SIZE / 1000} KB`);
      const figure = await alternate(ROUNDS, {
        ours: async () => ours(join(await mkdtemp(join(directory, 'ours-')), 'data'), pypi),
        bandersnatch: other === undefined ? undefined : () => theirs(directory, pypi, other.program),
      });
      return [
        compare({
          what: `sync of ${(PROJECTS * FILES).toLocaleString('en')} files of 20 KB from loopback into an empty directory, each proved and durable, files a second`,
          ours: figure('ours'),
          beside: [
            `bandersnatch${other === undefined ? '' : ` ${other.version}`}, ${WORKERS} workers, nothing synced to the disk`,
            other === undefined ? undefined : figure('bandersnatch'),
          ],
          show: perSecond,
          atLeast: 1.5,
        }),
        ...(await waits(directory, pypi)),
      ];
    } finally {
      await pypi.close();
    }
  });

const upstream = (pypi: FakePypi) => [
  '--upstream',
  `${pypi.url}simple/`,
  '--file-host',
  `127.0.0.1:${pypi.files.port}`,
];

async function ours(data: string, pypi: FakePypi): Promise<number> {
  const { stdout, milliseconds: took } = await run(process.execPath, [
    ...[VERBATIM, 'sync', '--project', 'bench-*', '--data', data, '--json'],
    ...upstream(pypi),
  ]);
  const { fetched } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  if (fetched !== PROJECTS * FILES) throw new Error(`${fetched} files were fetched`);
  return (fetched * 1000) / took;
}

async function theirs(directory: string, pypi: FakePypi, program: string): Promise<number> {
  const place = await mkdtemp(join(directory, 'theirs-'));
  const conf = join(place, 'bandersnatch.conf');
  await mkdir(join(place, 'mirror'));
  const lines = [
    '[mirror]',
    `directory = ${join(place, 'mirror')}`,
    `master = ${pypi.url.replace(/\/$/, '')}`,
    'allow-non-https = true',
    'json = false',
    `workers = ${WORKERS}`,
  ];
  writeFileSync(conf, `${lines.join('\n')}\n`);
  const before = pypi.files.requests.length;
  const { milliseconds: took } = await run(program, ['--config', conf, 'sync', ...names]);
  const fetched = pypi.files.requests.length - before;
  if (fetched < PROJECTS * FILES) throw new Error(`bandersnatch fetched ${fetched} files`);
  return (PROJECTS * FILES * 1000) / took;
}

async function waits(directory: string, pypi: FakePypi) {
  const own = await mkdtemp(join(directory, 'beside-'));
  const mirror = await serve(own, upstream(pypi));
  try {
    const page = `${mirror.url}simple/${names[0]}/`;
    return await waitsBeside('a sync of as many files', page, () => ours(join(own, 'data'), pypi));
  } finally {
    await mirror.stop();
  }
}
