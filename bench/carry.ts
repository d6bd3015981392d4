import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FakePypi, startFakePypi } from '../test/support/fake-pypi.ts';
import { withDirectory } from './support/index.ts';
import { serve } from './support/mirror.ts';
import { type Ended, run, VERBATIM } from './support/processes.ts';
import { atMost, type Measure, milliseconds, perSecond, type Row } from './support/table.ts';
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
      pypi.upload('small', { filename: 'small-1.0-py3-none-any.whl', bytes: randomBytes(SIZE) });
      for (let at = 0; at < PROJECTS; at++) upload(pypi, at, 1);
      return await carried(directory, pypi, log);
    } finally {
      await pypi.close();
    }
  });

/** Of its start, and of looking whether there is anything: what each command takes for next to nothing. */
interface Starts {
  readonly sync: number;
  readonly exported: number;
  readonly taken: number;
}

async function carried(directory: string, pypi: FakePypi, log: (text: string) => void): Promise<readonly Row[]> {
  const key = join(directory, 'key');
  await ran('keygen', key);
  const starts = await startsOf(siteIn(join(directory, 'small'), pypi, key, 'small'));
  const { config, sync, exported, take } = siteIn(directory, pypi, key, 'carried-*');

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
      part('bytes of an increment after 1 % more, of the whole', bytesOf(increment), bytesOf(whole), 0),
      part('its export, in time', increment.milliseconds, whole.milliseconds, starts.exported),
      part('its import, in time', taken.milliseconds, inside.milliseconds, starts.taken),
      // Every page is asked for again: only the files of one in a hundred are new.
      {
        ...part('the sync before it, in time', more.milliseconds, synced.milliseconds, starts.sync),
        threshold: '',
        held: undefined,
      },
      ...beside,
    ];
  } finally {
    await mirror.stop();
  }
}

/** A mirror of the projects, what it exports, and a site that imports that. */
function siteIn(directory: string, pypi: FakePypi, key: string, projects: string) {
  const config = join(directory, 'inside.yaml');
  mkdirSync(join(directory, 'stick'), { recursive: true });
  writeFileSync(
    config,
    `data: ${join(directory, 'data')}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519_file: ${key}.pub }]\n`,
  );
  const place = [
    ...['--data', join(directory, 'outside'), '--json'],
    ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
  ];
  return {
    config,
    sync: () => ran('sync', '--project', projects, ...place),
    exported: (...words: readonly string[]) =>
      ran('export', join(directory, 'stick'), '--key', key, ...words, ...place),
    take: ({ stdout }: Ended) => ran('import', bundleOf(stdout), '--config', config, '--json'),
  };
}

async function startsOf({ sync, exported, take }: ReturnType<typeof siteIn>): Promise<Starts> {
  const synced = await sync();
  const bundle = await exported();
  const taken = await take(bundle);
  return { sync: synced.milliseconds, exported: bundle.milliseconds, taken: taken.milliseconds };
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

/** About one in a hundred, of what comes on top of what it takes for next to nothing. */
function part(what: string, some: number, whole: number, nothing: number): Row {
  const beside = nothing === 0 ? '' : `over the same for one file, ${milliseconds(nothing)}`;
  const percent = (Math.max(0, some - nothing) / (whole - nothing)) * 100;
  return atMost(what, percent, 2, (figure) => `${figure.toFixed(1)} %`, beside);
}
