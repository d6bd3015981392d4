import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FakePypi, startFakePypi } from '../test/support/fake-pypi.ts';
import { withDirectory } from './support/index.ts';
import { serve } from './support/mirror.ts';
import { type Ended, run, VERBATIM } from './support/processes.ts';
import { atMost, type Measure, perSecond, type Row } from './support/table.ts';
import { waitsBeside } from './support/waits.ts';

/** CARRY_FILES for fewer. */
const FILES = Number(process.env['CARRY_FILES'] ?? 20_000);
const EACH = 20;
const SIZE = 20_000;
const PROJECTS = Math.ceil(FILES / EACH);
/** Of a hundred projects one has as many new files as it had. */
const CHANGED = Math.ceil(PROJECTS / 100);
const PARALLEL = 16;
const PAGE = 'application/vnd.pypi.simple.v1+json';

/** Many small files synced, exported, imported and served, all of them; then one in a hundred more, carried alone. */
export const carry: Measure = (log) =>
  withDirectory(async (directory) => {
    const pypi = await startFakePypi();
    try {
      for (let at = 0; at < PROJECTS; at++) upload(pypi, at, 1);
      return await carried(directory, pypi, log);
    } finally {
      await pypi.close();
    }
  });

async function carried(directory: string, pypi: FakePypi, log: (text: string) => void): Promise<readonly Row[]> {
  const [key, config] = [join(directory, 'key'), join(directory, 'inside.yaml')];
  mkdirSync(join(directory, 'stick'));
  await ran('keygen', key);
  writeFileSync(
    config,
    `data: ${join(directory, 'data')}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519_file: ${key}.pub }]\n`,
  );
  const place = [
    ...['--data', join(directory, 'outside'), '--json'],
    ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
  ];
  const sync = () => ran('sync', '--project', 'carried-*', ...place);
  const exported = (...words: readonly string[]) =>
    ran('export', join(directory, 'stick'), '--key', key, ...words, ...place);
  const take = ({ stdout }: Ended) => ran('import', bundleOf(stdout), '--config', config, '--json');

  const count = FILES.toLocaleString('en');
  const rate = (what: string, { milliseconds }: Ended) => shown(`${count} files of 20 KB ${what}`, FILES, milliseconds);
  log(`carry: ${count} files synced, exported, imported`);
  const synced = await sync();
  const whole = await exported();
  const inside = await take(whole);
  const mirror = await serve(directory, ['--config', config]);
  try {
    log('carry: served');
    const begun = performance.now();
    const served = await serveAll(mirror.url);
    if (served !== PROJECTS * EACH) throw new Error(`${served} files were served`);
    const serving = shown(`the same served, each compared by its digest`, served, performance.now() - begun);
    log('carry: one in a hundred more');
    for (let at = 0; at < CHANGED; at++) upload(pypi, at, 2);
    const more = await sync();
    const increment = await exported('--since', '1');
    const again = await exported();
    const [taken, beside] = await besideImport(
      `${mirror.url}simple/carried-0/`,
      () => take(increment),
      () => take(again),
    );
    return [
      rate('synced into an empty directory', synced),
      rate('exported', whole),
      rate('imported', inside),
      serving,
      part('bytes of an increment after 1 % more, of the whole', bytesOf(increment), bytesOf(whole)),
      part('its sync, in time', more.milliseconds, synced.milliseconds),
      part('its export, in time', increment.milliseconds, whole.milliseconds),
      part('its import, in time', taken.milliseconds, inside.milliseconds),
      ...beside,
    ];
  } finally {
    await mirror.stop();
  }
}

/** The increment, and then all of it once more, into what a server has: what it took, and what a client waits meanwhile. */
async function besideImport(
  page: string,
  increment: () => Promise<Ended>,
  whole: () => Promise<Ended>,
): Promise<readonly [Ended, readonly Row[]]> {
  let taken: Ended | undefined;
  const rows = await waitsBeside('imports of an increment and of the whole', page, async () => {
    taken = await increment();
    await whole();
  });
  if (taken === undefined) throw new Error('nothing was imported');
  return [taken, rows];
}

function upload(pypi: FakePypi, project: number, major: number): void {
  for (let at = 0; at < EACH; at++)
    pypi.upload(`carried-${project}`, {
      filename: `carried_${project}-${major}.${at}-py3-none-any.whl`,
      bytes: randomBytes(SIZE),
    });
}

function ran(...words: readonly string[]): Promise<Ended> {
  return run(process.execPath, [VERBATIM, ...words]);
}

function bundleOf(stdout: string): string {
  const { path } = JSON.parse(stdout) as { readonly path: string };
  const name = readdirSync(path).find((each) => each.startsWith('bundle.tar'));
  if (name === undefined) throw new Error(`there is no bundle in ${path}`);
  return join(path, name);
}

function bytesOf({ stdout }: Ended): number {
  return statSync(bundleOf(stdout)).size;
}

/** Asks for every file of every page, compares each, and says how many there were. */
async function serveAll(url: string): Promise<number> {
  const projects = Array.from({ length: PROJECTS }, (_, at) => `${url}simple/carried-${at}/`);
  let served = 0;
  const work = async () => {
    for (let page = projects.pop(); page !== undefined; page = projects.pop()) {
      const { files } = (await (await fetch(page, { headers: { accept: PAGE } })).json()) as {
        readonly files: readonly { readonly url: string; readonly hashes: { readonly sha256: string } }[];
      };
      for (const file of files) {
        const bytes = Buffer.from(await (await fetch(new URL(file.url, page))).arrayBuffer());
        if (createHash('sha256').update(bytes).digest('hex') !== file.hashes.sha256)
          throw new Error(`${file.url} is served with other bytes`);
        served++;
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return served;
}

function shown(what: string, files: number, milliseconds: number): Row {
  const result = perSecond((files * 1000) / milliseconds);
  const beside = `in ${(milliseconds / 1000).toFixed(1)} s`;
  return { what, ours: result, beside, result, threshold: '', held: undefined };
}

/** About one in a hundred: what a start of the program costs comes on top. */
function part(what: string, some: number, whole: number): Row {
  return atMost(what, (some / whole) * 100, 2, (percent) => `${percent.toFixed(1)} %`);
}
