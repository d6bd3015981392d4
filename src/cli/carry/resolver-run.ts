import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logOf } from '../../app/running/log.ts';
import { startMirror } from '../../app/start.ts';
import type { Config } from '../../config/config.ts';
import { markerHolds } from '../../pypi/requirement/marker.ts';
import type { Environment } from '../../pypi/resolving/environment.ts';
import type { Wanted } from '../../sync/plan.ts';
import type { Told } from '../../sync/report.ts';
import type { Asked } from '../../sync/selection/asked.ts';
import type { Installer } from './installers.ts';

/** What a real installer is told to have no answer within. Milliseconds. */
const LONGEST_MS = 10 * 60_000;
/** Of what it says; the end of it says what was wrong. */
const MOST_SAID = 4000;
const MOST_READ = 64 * 1024 * 1024;

/** Has a real installer choose for each environment from this mirror while it is offline. Returns where it could not. */
export async function resolveOffline(
  config: Config,
  wanted: Pick<Wanted, 'names' | 'asked' | 'environments'>,
  { installer, index }: { readonly installer: Installer; readonly index: string },
): Promise<readonly Told[]> {
  const { publicUrl: _, links: __, workers: ___, ...server } = config.server;
  const mirror = await startMirror({
    config: {
      ...config,
      offline: true,
      server: { ...server, publicUrl: undefined, host: '127.0.0.1', port: 0, tls: undefined, auth: undefined },
    },
    log: logOf({ ...config, log: { ...config.log, level: 'error' } }),
  });
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-check-'));
  try {
    const failed: Told[] = [];
    for (const environment of wanted.environments)
      for (const isLocked of [false, true]) {
        const lines = linesOf([...wanted.names, ...wanted.asked], environment, isLocked, installer);
        if (lines.length === 0) continue;
        const list = join(directory, 'requirements.txt');
        await writeFile(list, `${lines.join('\n')}\n`);
        const simple = `${mirror.url}/${index}/simple/`;
        const why = await run(installer, argumentsFor(installer, { environment, simple, list, directory, isLocked }));
        if (why !== undefined) failed.push({ what: `${installer} in ${environment.name}`, why });
      }
    return failed;
  } finally {
    await rm(directory, { recursive: true, force: true });
    await mirror.close();
  }
}

function linesOf(
  all: readonly Asked[],
  { values }: Environment,
  isLocked: boolean,
  installer: Installer,
): readonly string[] {
  return all
    .filter((each) => each.isLocked === isLocked)
    .filter(({ marker }) => marker === undefined || markerHolds(marker, { values, extras: new Set() }))
    .filter(({ isWanted }) => isWanted?.(values) !== false)
    .map(({ project, extras, specifiers, hashes }) => {
      const name = extras.length === 0 ? project : `${project}[${extras.join(',')}]`;
      // uv resolves by names and versions alone.
      const pins = installer === 'pip' ? [...hashes].map((hash) => ` --hash=${hash}`).join('') : '';
      return `${name}${specifiers.text}${pins}`;
    });
}

interface Asking {
  readonly environment: Environment;
  readonly simple: string;
  readonly list: string;
  readonly directory: string;
  /** What is required stands in the list. */
  readonly isLocked: boolean;
}

function argumentsFor(
  installer: Installer,
  { environment, simple, list, directory, isLocked }: Asking,
): readonly string[] {
  const { python_version: python, implementation_name: implementation } = environment.values;
  const alone = isLocked ? ['--no-deps'] : [];
  if (installer === 'uv')
    return [
      ...['pip', 'compile', list, '--no-config', '--no-cache', '--no-build', '--default-index', simple],
      ...['--python-version', python, '--python-platform', triple(environment), ...alone],
    ];
  return [
    ...['install', '--dry-run', '--isolated', '--no-cache-dir', '--ignore-installed', '--only-binary', ':all:'],
    ...['--disable-pip-version-check', '--target', join(directory, 'none'), '--index-url', simple, '-r', list],
    ...['--python-version', python, '--implementation', implementation === 'pypy' ? 'pp' : 'cp'],
    ...[...environment.platforms].flatMap((tag) => ['--platform', tag]),
    ...alone,
  ];
}

/** What uv calls a platform. */
function triple({ values, platforms }: Environment): string {
  const arch = ({ AMD64: 'x86_64', ARM64: 'aarch64', arm64: 'aarch64', x86: 'i686' } as const)[values.platform_machine];
  const machine = arch ?? values.platform_machine;
  if (values.sys_platform === 'win32') return `${machine}-pc-windows-msvc`;
  if (values.sys_platform === 'darwin') return `${machine}-apple-darwin`;
  const [first = ''] = platforms;
  const [, glibc] = /^manylinux_(2_[0-9]+)_/.exec(first) ?? [];
  if (glibc !== undefined) return `${machine}-manylinux_${glibc}`;
  return first.startsWith('musllinux') ? `${machine}-unknown-linux-musl` : `${machine}-unknown-linux-gnu`;
}

/** Undefined where it ended well; else its last words. */
function run(program: string, words: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, [...words], { timeout: LONGEST_MS, maxBuffer: MOST_READ }, (error, _, said) => {
      if (error === null) resolve(undefined);
      else
        resolve(
          said.slice(-MOST_SAID).trim() || `it cannot be run, or ended without a word (${error.code ?? error.signal})`,
        );
    });
  });
}
