import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pipOfToday } from './environments.ts';
import { CACHE, notice, whyOf } from './python.ts';

const run = promisify(execFile);
const MOST_MILLISECONDS = 240_000;
const SOURCES = 'tuf-7.0.1';

/**
 * The directory of python-tuf's source distribution, which holds its tests, unpacked once; undefined, said aloud, where the
 * package registry is absent.
 */
export async function tufSources(): Promise<string | undefined> {
  const directory = join(CACHE, SOURCES);
  try {
    await access(directory).catch(() => unpackInto(directory));
    return directory;
  } catch (error) {
    notice(`python-tuf's sources cannot be had: ${whyOf(error)}`);
    return undefined;
  }
}

async function unpackInto(directory: string): Promise<void> {
  const bin = await pipOfToday();
  if (bin === undefined) throw new Error('there is no pip');
  const python = join(bin, 'python');
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(`${directory}-`);
  try {
    const pip = ['-m', 'pip', '--disable-pip-version-check', '--quiet', 'download', '--retries', '1'];
    const what = ['--no-deps', '--no-binary', 'tuf', '--dest', work, SOURCES.replace('-', '==')];
    await run(python, [...pip, ...what], { timeout: MOST_MILLISECONDS });
    const archive = (await readdir(work)).find((name) => name.endsWith('.tar.gz')) ?? 'nothing';
    await run(python, ['-m', 'tarfile', '--extract', join(work, archive), work], { timeout: MOST_MILLISECONDS });
    // Another process may have been first.
    await rename(join(work, SOURCES), directory).catch(() => access(directory));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
