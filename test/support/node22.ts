import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE, notice, whyOf } from './python.ts';

const run = promisify(execFile);
const MOST_MILLISECONDS = 240_000;

/** The oldest node that this program runs on, from the npm registry, installed once; undefined, said aloud, where it cannot be had. */
export async function node22(): Promise<string | undefined> {
  const directory = join(CACHE, 'node22');
  const binary = join(directory, 'node_modules', 'node', 'bin', 'node');
  try {
    await access(binary).catch(() =>
      run('npm', ['install', '--prefix', directory, '--no-save', '--no-audit', '--no-fund', 'node@22'], {
        timeout: MOST_MILLISECONDS,
      }),
    );
    await access(binary);
    return binary;
  } catch (error) {
    notice(`node 22 cannot be installed: ${whyOf(error)}`);
    return undefined;
  }
}
