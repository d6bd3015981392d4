import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { clientEnvironment } from '../support/python.ts';
import type { Wheel } from '../support/wheels.ts';

const run = promisify(execFile);

/** Somewhere to install to, and the installer's own cache, both new. */
export interface Place {
  readonly target: string;
  readonly cache: string;
}

export async function newPlace(directory: string): Promise<Place> {
  const here = await mkdtemp(join(directory, 'place-'));
  return { target: join(here, 'target'), cache: join(here, 'cache') };
}

/** `pip install` by that environment's pip; rejects where pip does not exit 0. Returns what it said. */
export async function pipInstall(
  bin: string,
  place: Place,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const all = ['-m', 'pip', 'install', '--no-input', '--no-compile', '--target', place.target, ...args];
  const { stdout, stderr } = await run(join(bin, 'python'), all, {
    env: clientEnvironment({ PIP_CACHE_DIR: place.cache, ...environment }),
  });
  return stdout + stderr;
}

/** `uv ARGS` with a cache of its own. */
export async function uv(
  bin: string,
  place: Place,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout, stderr } = await run(join(bin, 'uv'), [...args], {
    env: clientEnvironment({
      UV_CACHE_DIR: place.cache,
      UV_PYTHON: join(bin, 'python'),
      UV_PYTHON_DOWNLOADS: 'never',
      UV_NO_PROGRESS: '1',
      ...environment,
    }),
  });
  return stdout + stderr;
}

/** How many files of a wheel lie in `target` exactly as the wheel's own RECORD says; throws at the first that differs. */
export async function provedFiles(target: string, wheel: Wheel): Promise<number> {
  const info = `${wheel.filename.split('-').slice(0, 2).join('-')}.dist-info`;
  const record = await readFile(join(target, info, 'RECORD'), 'utf8');
  let proved = 0;
  for (const line of record.split('\n')) {
    const [, path, hex] = /^"?([^",]+)"?,sha256=([\w-]+),/.exec(line) ?? [];
    if (path === undefined || path.startsWith('..')) continue;
    const bytes = await readFile(join(target, path));
    if (createHash('sha256').update(bytes).digest('base64url') !== hex) throw new Error(`${path} is not the wheel's`);
    proved++;
  }
  return proved;
}

/** The lines of a requirements file that pin every wheel by its hash. */
export function hashedRequirements(wheels: readonly Wheel[]): string {
  return wheels.map(({ project, version, sha256 }) => `${project}==${version} --hash=sha256:${sha256}\n`).join('');
}

/** A wheel's URL on a mirror, as a lock file keeps it. */
export function lockedUrl(simple: string, path: string): string {
  return new URL(`../${path}`, simple).href;
}
