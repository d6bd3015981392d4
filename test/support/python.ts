import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// Real Python clients for interop tests. VERBATIM_TEST_PYTHON names the interpreter that makes virtual environments
// (python3), VERBATIM_TEST_CACHE the directory they are kept in (node_modules/.cache/verbatim).

const run = promisify(execFile);
const MAKER = fileURLToPath(new URL('make-venv.py', import.meta.url));
/** What tests keep between runs. */
export const CACHE =
  process.env['VERBATIM_TEST_CACHE'] ?? fileURLToPath(new URL('../../node_modules/.cache/verbatim', import.meta.url));
export const PYTHON = process.env['VERBATIM_TEST_PYTHON'] ?? 'python3';
const MOST_MILLISECONDS = 240_000;

/**
 * The `bin` directory of a virtual environment with these packages (`venv('uv', ['uv'])` holds `bin/uv`), made once and
 * shared by every test process; undefined, said aloud, where python3 or its package registry is absent.
 */
export async function venv(name: string, packages: readonly string[], python = PYTHON): Promise<string | undefined> {
  const identity = createHash('sha256')
    .update([python, ...packages].join('\n'))
    .digest('hex')
    .slice(0, 8);
  const directory = join(CACHE, 'venv', `${name}-${identity}`);
  try {
    await run(python, [MAKER, directory, ...packages], { timeout: MOST_MILLISECONDS });
    return join(directory, 'bin');
  } catch (error) {
    notice(`${python} cannot make the environment ${name} (${packages.join(' ')}): ${whyOf(error)}`);
    return undefined;
  }
}

/**
 * Whether a part that tests need is there, for `describe.runIf`. In CI a missing part is a failure; elsewhere it is said
 * aloud and its tests are skipped.
 */
export function requirePart<Part>(name: string, part: Part | undefined): part is Part {
  if (part !== undefined) return true;
  if (process.env['CI'] !== undefined) throw new Error(`CI must not skip tests: ${name} is missing here.`);
  notice(`${name} is missing here: its tests are SKIPPED.`);
  return false;
}

/** An environment for a client under test: none of this machine's own settings for pip, uv or proxies reach it. */
export function clientEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(PIP_|UV_|PYTHON|VIRTUAL_ENV|POETRY_)|_proxy$/i.test(name),
  );
  return {
    ...Object.fromEntries(own),
    PIP_CONFIG_FILE: '/dev/null',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    UV_NO_CONFIG: '1',
    ...extra,
  };
}

/** What a child process said last before it failed, or why there was none. */
export function whyOf(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : undefined;
  return said || (error instanceof Error ? error.message : String(error));
}

/** Aloud, and once, however many tests it concerns. */
export function notice(text: string): void {
  if (said.has(text)) return;
  said.add(text);
  process.stderr.write(`\n*** ${text}\n`);
}

const said = new Set<string>();
