import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

// Debian's package `prometheus`; CI installs it.

const run = promisify(execFile);

/** Where they are, or undefined: tests that need them say so by `requirePart`. */
export const PROMETHEUS = await found('prometheus');
export const PROMTOOL = await found('promtool');

async function found(program: string): Promise<string | undefined> {
  try {
    await run(program, ['--version']);
    return program;
  } catch {
    return undefined;
  }
}

/** `promtool ARGS` to its end: what it says of what it was given, and empty where it finds nothing. */
export async function promtool(args: readonly string[], input?: string): Promise<string> {
  const child = execFile(PROMTOOL ?? 'promtool', [...args]);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (said += text));
  child.stdin?.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return code === 0 ? '' : said || `exit ${code}`;
}
