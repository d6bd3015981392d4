import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sha256Hex } from '../../src/bytes/digest.ts';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { pipOfToday } from './environments.ts';
import { CACHE, notice, PYTHON, whyOf } from './python.ts';
import { tinyWheel } from './tiny-wheel.ts';

const run = promisify(execFile);
const HOUSE = fileURLToPath(new URL('wheelhouse.py', import.meta.url));

export interface Wheel extends IndexFile {
  readonly project: string;
  readonly version: string;
  readonly sha256: string;
}

/** Small, pure, and one that needs another. */
const REQUIREMENTS = ['six==1.16.0', 'python-dateutil==2.9.0.post0', 'idna==3.10'];

/**
 * The same three real wheels in every test, downloaded once with their core metadata. Without a registry or without python3
 * they are made here, said aloud, and `real` is undefined.
 */
export async function wheels(): Promise<{ readonly wheels: readonly Wheel[]; readonly real: true | undefined }> {
  const identity = createHash('sha256').update(REQUIREMENTS.join()).digest('hex').slice(0, 8);
  const directory = join(CACHE, `wheels-${identity}`);
  // An interpreter of the system's own may come without pip.
  const bin = await pipOfToday();
  const python = bin === undefined ? PYTHON : join(bin, 'python');
  try {
    await run(python, [HOUSE, directory, ...REQUIREMENTS], { timeout: 120_000 });
  } catch (error) {
    notice(`${python} cannot get real wheels: ${whyOf(error)}`);
    return { wheels: REQUIREMENTS.map(made), real: undefined };
  }
  const names = (await readdir(directory)).filter((name) => name.endsWith('.whl')).sort();
  const found = await Promise.all(names.map((name) => wheel(directory, name)));
  return { wheels: found, real: existsSync(join(directory, 'made')) ? undefined : true };
}

function made(requirement: string): Wheel {
  const [project = '', version = ''] = requirement.split('==');
  const { filename, bytes, coreMetadata } = tinyWheel(project, version);
  return { project, version, filename, bytes, coreMetadata, sha256: sha256Hex(bytes) };
}

async function wheel(directory: string, filename: string): Promise<Wheel> {
  const bytes = await readFile(join(directory, filename));
  const coreMetadata = await readFile(join(directory, `${filename}.metadata`));
  const [project = '', version = ''] = filename.split('-');
  return { project: project.replaceAll('_', '-'), version, filename, bytes, coreMetadata, sha256: sha256Hex(bytes) };
}
