import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { IndexKindName } from '../../src/presets/known-upstreams.ts';
import { type Distribution, sdistOf, wheelOf } from '../support/distributions.ts';
import type { SERVERS } from '../support/environments.ts';
import { clientEnvironment, PYTHON } from '../support/python.ts';
import { startDevpiIndex } from './devpi.ts';
import { type Program, startProgram, startSilentProgram } from './programs.ts';

// Index servers as people run them, each with the same files and at its default settings.

const run = promisify(execFile);

const NEEDS_WATER = ['water-wheel>=0.9'];
/** Every way in which file names differ that some server has stumbled over. */
export const FILES = {
  wheel: wheelOf({ name: 'mill', version: '1.0', requires: NEEDS_WATER }),
  /** Its `+` is another character in some URLs. */
  local: wheelOf({ name: 'mill', version: '1.1+linux.1', requires: NEEDS_WATER }),
  sdist: sdistOf({ name: 'mill', version: '2.0', requires: NEEDS_WATER }),
  /** Of a name that is normalized in paths. */
  needed: wheelOf({ name: 'Water.Wheel', version: '1.0' }),
  /** Spelled as tools did before PEP 625. */
  old: sdistOf({ name: 'Water.Wheel', version: '0.9' }, 'Water.Wheel'),
} as const satisfies Readonly<Record<string, Distribution>>;

export const PROJECTS: Readonly<Record<string, readonly Distribution[]>> = {
  mill: [FILES.wheel, FILES.local, FILES.sdist],
  'water-wheel': [FILES.needed, FILES.old],
};

export const sha256Of = ({ bytes }: Distribution) => createHash('sha256').update(bytes).digest('hex');

/** An index server that runs. */
export interface Serving {
  /** What pip is given; ends with a slash. */
  readonly url: string;
  /** Origins that it sends installers on to for files. */
  readonly fileHosts?: readonly string[];
  readonly close: () => Promise<void>;
}

/** What is known of an index server at its default settings. */
export interface IndexServer {
  readonly program: keyof typeof SERVERS;
  /** How it was called, where that is not without any setting. */
  readonly how?: string;
  /** `directory` is empty, and its own. */
  readonly start: (bin: string, directory: string) => Promise<Serving>;
  readonly kind: IndexKindName | undefined;
  /** What the line at the start says. */
  readonly introduced: Readonly<Record<'form' | 'api' | 'digests' | 'upload_times' | 'core_metadata' | 'list', string>>;
  readonly evidence: 'index' | 'first-sight';
  /** Core metadata is passed on. */
  readonly coreMetadata: boolean;
  /** Its answer for a project that it does not have. */
  readonly unknown: '404' | typeof PYPI;
}

const NOTHING_MORE = { upload_times: 'none', core_metadata: 'none' } as const;
const HTML = { form: 'html', api: '1.0', list: '2 projects', ...NOTHING_MORE } as const;

const BARE = '2 of 3, 2 without a digest, which are not passed on';
const PYPI = 'a redirect to PyPI';

/** Those that make pages for a web server of any kind, and the web server. */
export const STATIC_SERVERS: readonly IndexServer[] = [
  {
    program: 'dumb-pypi',
    how: '`--package-list`',
    start: (bin, directory) => startDumbPypi(bin, directory, 'names'),
    kind: 'static',
    introduced: { ...HTML, digests: 'none' },
    evidence: 'first-sight',
    coreMetadata: false,
    unknown: '404',
  },
  {
    program: 'dumb-pypi',
    how: '`--package-list-json`',
    start: (bin, directory) => startDumbPypi(bin, directory, 'json'),
    kind: 'static',
    introduced: { ...HTML, digests: 'all', core_metadata: '2 of 3' },
    evidence: 'index',
    coreMetadata: true,
    unknown: '404',
  },
  {
    program: 'pip2pi',
    start: startPip2pi,
    kind: 'static',
    introduced: { ...HTML, digests: 'none' },
    evidence: 'first-sight',
    coreMetadata: false,
    unknown: '404',
  },
];

/** Those that answer themselves. */
export const LIVE_SERVERS: readonly IndexServer[] = [
  {
    program: 'pypiserver',
    start: (bin, directory) => startPypiserver(bin, directory),
    kind: 'pypiserver',
    introduced: { ...HTML, digests: 'all' },
    evidence: 'index',
    coreMetadata: false,
    unknown: PYPI,
  },
  {
    program: 'pypiserver',
    how: '`--hash-algo md5`, the default of older releases',
    start: (bin, directory) => startPypiserver(bin, directory, '--hash-algo', 'md5'),
    kind: 'pypiserver',
    introduced: { ...HTML, digests: 'none' },
    evidence: 'first-sight',
    coreMetadata: false,
    unknown: PYPI,
  },
  {
    program: 'simpleindex',
    start: startSimpleindex,
    kind: undefined,
    introduced: { ...HTML, list: 'none', digests: 'none' },
    evidence: 'first-sight',
    coreMetadata: false,
    unknown: PYPI,
  },
  {
    program: 'proxpi',
    start: startProxpi,
    kind: 'proxpi',
    introduced: { ...HTML, form: 'json', digests: 'all', core_metadata: '2 of 3' },
    evidence: 'index',
    coreMetadata: true,
    unknown: '404',
  },
  {
    program: 'devpi-server',
    start: async (bin) => {
      const { simple, close } = await startDevpiIndex(bin, Object.values(FILES));
      return { url: new URL('../', simple).href, close };
    },
    kind: 'devpi',
    introduced: { ...HTML, form: 'json', digests: 'all' },
    evidence: 'index',
    coreMetadata: false,
    unknown: '404',
  },
  {
    program: 'simple-repository-server',
    start: startSimpleRepository,
    kind: 'simple-repository',
    introduced: { ...HTML, form: 'json', api: '1.1', digests: 'none', upload_times: 'all', core_metadata: BARE },
    evidence: 'first-sight',
    coreMetadata: false,
    unknown: '404',
  },
];

/** All files in one folder. */
async function fill(folder: string, files: readonly Distribution[] = Object.values(FILES)): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const { filename, bytes } of files) await writeFile(join(folder, filename), bytes);
  return folder;
}

/** A folder for each project, named as PEP 503 says. */
async function fillByProject(folder: string): Promise<string> {
  for (const [project, files] of Object.entries(PROJECTS)) await fill(join(folder, project), files);
  return folder;
}

/** The web server that every Python brings. */
const startWebServer = (folder: string): Promise<Program> =>
  startProgram(PYTHON, ['-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', folder]);

async function startDumbPypi(bin: string, directory: string, list: 'names' | 'json'): Promise<Serving> {
  const files = Object.values(FILES);
  const pool = await fill(join(directory, 'pool'));
  const lines = list === 'names' ? files.map(({ filename }) => filename) : files.map(lineOf);
  if (list === 'json')
    for (const { filename, coreMetadata } of files.filter(isWheel))
      await writeFile(join(pool, `${filename}.metadata`), coreMetadata);
  const given = join(directory, 'list');
  await writeFile(given, `${lines.join('\n')}\n`);
  const option = list === 'names' ? '--package-list' : '--package-list-json';
  await run(join(bin, 'dumb-pypi'), [option, given, '--packages-url', '../../pool/', '--output-dir', directory], {
    env: clientEnvironment(),
  });
  const { origin, close } = await startWebServer(directory);
  return { url: `${origin}/simple/`, close };
}

const isWheel = ({ filename }: Distribution) => filename.endsWith('.whl');

function lineOf(file: Distribution): string {
  const hash = `sha256=${sha256Of(file)}`;
  const coreMetadata = `sha256=${createHash('sha256').update(file.coreMetadata).digest('hex')}`;
  return JSON.stringify({
    filename: file.filename,
    hash,
    requires_python: '>=3.8',
    upload_timestamp: 1_700_000_000,
    ...(isWheel(file) && { core_metadata: coreMetadata }),
  });
}

async function startPip2pi(bin: string, directory: string): Promise<Serving> {
  await fill(directory);
  await run(join(bin, 'dir2pi'), [directory], { env: clientEnvironment() });
  const { origin, close } = await startWebServer(directory);
  return { url: `${origin}/simple/`, close };
}

async function startPypiserver(bin: string, directory: string, ...more: readonly string[]): Promise<Serving> {
  const packages = await fill(directory);
  const { origin, close } = await startSilentProgram(join(bin, 'pypi-server'), (port) => [
    'run',
    ...['--interface', '127.0.0.1', '--port', String(port), ...more],
    packages,
  ]);
  return { url: `${origin}/simple/`, close };
}

/** As its README has it: what is its own, and PyPI for all else. */
async function startSimpleindex(bin: string, directory: string): Promise<Serving> {
  await fillByProject(directory);
  const route = (key: string, source: string, to: string) => `[routes."${key}"]\nsource = "${source}"\nto = "${to}"\n`;
  const routes = [
    route('mill', 'path', './mill'),
    route('water-{part}', 'path', './water-{part}'),
    route('{project}', 'http', 'https://pypi.org/simple/{project}/'),
  ];
  const config = join(directory, 'configuration.toml');
  await writeFile(config, `${routes.join('\n')}\n[server]\nhost = "127.0.0.1"\nport = 0\n`);
  const { origin, close } = await startProgram(join(bin, 'simpleindex'), [config]);
  return { url: `${origin}/`, close };
}

/** Before another index; as its Dockerfile starts it. What takes it a second is to be fetched from behind it. */
async function startProxpi(bin: string, directory: string): Promise<Serving> {
  const behind = await startDumbPypi(bin, directory, 'json');
  const { origin, close } = await startProgram(
    join(bin, 'gunicorn'),
    ['--preload', '--bind', '127.0.0.1:0', '--worker-class', 'gthread', '--threads', '2', 'proxpi.server:app'],
    { PROXPI_INDEX_URL: behind.url },
  );
  return {
    url: `${origin}/index/`,
    fileHosts: [new URL(behind.url).origin],
    async close() {
      await close();
      await behind.close();
    },
  };
}

async function startSimpleRepository(bin: string, directory: string): Promise<Serving> {
  const program = join(bin, 'simple-repository-server');
  const folder = await fillByProject(directory);
  const { origin, close } = await startProgram(program, ['--host', '127.0.0.1', '--port', '0', folder]);
  return { url: `${origin}/simple/`, close };
}
