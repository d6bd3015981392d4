import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installerEnvironment } from '../config/environment.ts';

/** What became of one run of pip. */
export interface PipRun {
  readonly ok: boolean;
  /** The last thing it told its user: why it failed, or what it did. */
  readonly said: string;
  /** SHA-256 of each file it left behind, by name. */
  readonly files: ReadonlyMap<string, string>;
}

/** The pip of this machine. */
export interface Pip {
  readonly version: string;
  /** Wheels from where this machine's pip gets them, by its own configuration; at most `milliseconds`. */
  readonly gather: (requirements: readonly string[], into: string, milliseconds: number) => Promise<PipRun>;
  /** `pip download` of one requirement from an index, without any cache. */
  readonly download: (index: string, requirement: string) => Promise<PipRun>;
  /** `pip install --target` into a new directory. */
  readonly install: (index: string, requirements: readonly string[]) => Promise<PipRun>;
}

interface PipOptions {
  /** Where downloads and installations go. */
  readonly folder: string;
  /** Ends pip. */
  readonly signal: AbortSignal;
}

const RUN_MILLISECONDS = 60_000;
const MOST_OUTPUT = 4 * 1024 * 1024;
const PYTHONS = ['python3', 'python'];
/** No cache, no second try: what is seen is what was answered. */
const PLAIN = ['--no-cache-dir', '--disable-pip-version-check', '--no-input', '--retries', '0', '--timeout', '20'];

/** The first Python here that has pip; undefined where none does. */
export async function findPip({ folder, signal }: PipOptions): Promise<Pip | undefined> {
  for (const python of PYTHONS) {
    const found = await run(python, ['-m', 'pip', '--version'], { signal, milliseconds: RUN_MILLISECONDS });
    const version = /^pip (\S+)/.exec(found.output)?.[1];
    if (found.ok && version !== undefined) return createPip(python, version, folder, signal);
  }
  return undefined;
}

function createPip(python: string, version: string, folder: string, signal: AbortSignal): Pip {
  const pip = async (command: string, flags: readonly string[], from: readonly string[], into: string) => {
    const args = ['-m', 'pip', command, ...PLAIN, '--no-deps', '--only-binary', ':all:', ...flags, into, ...from];
    const ran = await run(python, args, { signal, milliseconds: RUN_MILLISECONDS, env: installerEnvironment() });
    return outcome(ran, into);
  };
  return {
    version,
    async gather(requirements, into, milliseconds) {
      await mkdir(into, { recursive: true });
      const quick = ['--disable-pip-version-check', '--no-input', '--retries', '1', '--timeout', '10'];
      const args = ['-m', 'pip', 'download', ...quick, '--no-deps', '--only-binary', ':all:', '--dest', into];
      return outcome(await run(python, [...args, ...requirements], { signal, milliseconds }), into);
    },
    download: async (index, requirement) =>
      pip('download', ['--index-url', index, '--dest'], [requirement], await mkdtemp(join(folder, 'download-'))),
    install: async (index, requirements) =>
      pip('install', ['--index-url', index, '--target'], requirements, await mkdtemp(join(folder, 'site-'))),
  };
}

interface Ran {
  readonly ok: boolean;
  readonly output: string;
}

interface RunOptions {
  readonly signal: AbortSignal;
  readonly milliseconds: number;
  readonly env?: NodeJS.ProcessEnv;
}

function run(program: string, args: readonly string[], { signal, milliseconds, env }: RunOptions): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const options = { signal, timeout: milliseconds, maxBuffer: MOST_OUTPUT, ...(env === undefined ? {} : { env }) };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason);
      else resolve({ ok: error === null, output: `${stdout}\n${stderr}` });
    });
  });
}

async function outcome({ ok, output }: Ran, into: string): Promise<PipRun> {
  const files = new Map<string, string>();
  for (const entry of await readdir(into, { withFileTypes: true }))
    if (entry.isFile())
      files.set(
        entry.name,
        createHash('sha256')
          .update(await readFile(join(into, entry.name)))
          .digest('hex'),
      );
  return { ok, said: lastWords(output, ok), files };
}

function lastWords(output: string, ok: boolean): string {
  const lines = output.split('\n').flatMap((line) => line.trim() || []);
  // Some end with a traceback, whose last line says why.
  const telling = lines.filter(
    (line) => line.startsWith(ok ? 'Successfully' : 'ERROR: ') && line !== 'ERROR: Exception:',
  );
  return telling.at(-1) ?? lines.at(-1) ?? 'nothing: it ran too long, or could not start';
}
