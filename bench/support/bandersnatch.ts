import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { bandersnatch as ofThisPython } from '../../test/support/environments.ts';
import { PYTHON, venv } from '../../test/support/python.ts';
import { run } from './processes.ts';

/** Its eighth generation wants Python 3.12. */
const NEWEST = 'bandersnatch==8.2.0';
const ENOUGH = 'import sys; sys.exit(sys.version_info < (3, 12))';

export interface Bandersnatch {
  readonly program: string;
  readonly version: string;
}

/** The newest where there is a Python for it, else what this one can run; undefined where there is none. */
export async function bandersnatch(): Promise<Bandersnatch | undefined> {
  const python = await newEnough();
  const bin = (python && (await venv('bandersnatch', [NEWEST], python))) ?? (await ofThisPython());
  if (bin === undefined) return undefined;
  const version = 'import importlib.metadata as m; print(m.version("bandersnatch"))';
  const { stdout } = await run(join(bin, 'python'), ['-c', version]);
  return { program: join(bin, 'bandersnatch'), version: stdout.trim() };
}

/** The configured one, one of the PATH, or one that pyenv keeps. */
async function newEnough(): Promise<string | undefined> {
  const kept = join(process.env['PYENV_ROOT'] ?? join(homedir(), '.pyenv'), 'versions');
  const ofPyenv = existsSync(kept) ? readdirSync(kept).map((name) => join(kept, name, 'bin', 'python3')) : [];
  for (const python of [PYTHON, 'python3.14', 'python3.13', 'python3.12', ...ofPyenv.toSorted().toReversed()])
    if (await run(python, ['-c', ENOUGH]).then(Boolean, () => false)) return python;
  return undefined;
}
