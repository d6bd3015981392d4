import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { run } from '../support/processes.ts';
import type { Log } from '../support/table.ts';

const HERE = fileURLToPath(new URL('../..', import.meta.url));
const manifest = z.object({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});

/** Runs with the program of another build: that of a directory, or of a commit, which is built beside this checkout and then gone. */
export async function withBuild<T>(of: string, log: Log, use: (program: string) => Promise<T>): Promise<T> {
  const built = resolve(of, 'dist/main.js');
  if (existsSync(built)) return use(built);
  const directory = mkdtempSync(join(tmpdir(), 'verbatim-before-'));
  try {
    log(`compare: building ${of}`);
    const clone = join(directory, 'checkout');
    const { stdout } = await run('git', ['-C', HERE, 'rev-parse', '--verify', `${of}^{commit}`]);
    await run('git', ['clone', '--quiet', '--shared', '--no-checkout', HERE, clone]);
    await run('git', ['-C', clone, 'checkout', '--quiet', '--detach', stdout.trim()]);
    if (isFoundHere(clone)) symlinkSync(join(HERE, 'node_modules'), join(clone, 'node_modules'));
    else await run('npm', ['--prefix', clone, 'ci', '--silent', '--ignore-scripts']);
    await run('npm', ['--prefix', clone, 'run', '--silent', 'build']);
    return await use(join(clone, 'dist/main.js'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Whether everything that checkout needs is installed in this one, in the same version. */
function isFoundHere(checkout: string): boolean {
  const [theirs, ours] = [needsOf(checkout), new Map(needsOf(HERE))];
  return theirs.every(([name, version]) => ours.get(name) === version);
}

function needsOf(checkout: string): readonly (readonly [name: string, version: string])[] {
  const needs = manifest.parse(JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')));
  return Object.entries({ ...needs.dependencies, ...needs.devDependencies });
}
