import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CACHE } from '../../support/python.ts';
import { childClient, type TufClient } from '../tuf-clients.ts';

// Clients that are built here, once, outside the checkout. Undefined, said aloud, where their toolchain is absent.

const run = promisify(execFile);
const here = (folder: string) => fileURLToPath(new URL(folder, import.meta.url));
const MOST_MILLISECONDS = 30 * 60_000;

async function build(command: string, args: readonly string[], cwd: string): Promise<boolean> {
  try {
    await run(command, args, { cwd, timeout: MOST_MILLISECONDS, maxBuffer: 64 * 1024 * 1024 });
    return true;
  } catch (error) {
    process.stderr.write(`\n*** ${command} cannot build ${cwd}: ${error instanceof Error ? error.message : error}\n`);
    return false;
  }
}

export async function goTufClient(): Promise<TufClient | undefined> {
  const program = join(CACHE, 'go-tuf-client');
  return (await build('go', ['build', '-o', program, '.'], here('go-tuf'))) ? childClient(program) : undefined;
}

export async function toughClient(): Promise<TufClient | undefined> {
  const target = join(CACHE, 'tough');
  const built = await build('cargo', ['build', '--release', '--locked', '--target-dir', target], here('tough'));
  return built ? childClient(join(target, 'release', 'tough-client')) : undefined;
}
