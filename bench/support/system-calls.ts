import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from './table.ts';

/** What goes to the file system: by a path, or to an open file. `read`, `write` and `close` are those of sockets too. */
const KINDS = {
  'by path': ['%file', 'getdents64'],
  reads: ['pread64', 'preadv', 'fstat'],
  writes: ['pwrite64', 'pwritev', 'ftruncate', 'fallocate', 'fchmod'],
  locks: ['fcntl', 'flock'],
  syncs: ['fsync', 'fdatasync'],
} as const;
export type Kind = keyof typeof KINDS;

/** How many calls there were, by their kind. */
export type Calls = ReadonlyMap<Kind, number>;

/** File system calls of a process and all its threads while `work` runs; undefined, said aloud, where strace is not to be had. */
export async function callsDuring(pid: number, work: () => Promise<unknown>, log: Log): Promise<Calls | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'verbatim-strace-'));
  const counts = join(directory, 'counts');
  const strace = spawn(
    'strace',
    [
      '-f',
      '-c',
      '-U',
      'name,calls',
      '-e',
      `trace=${Object.values(KINDS).flat().join()}`,
      '-o',
      counts,
      '-p',
      String(pid),
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const ended = new Promise<void>((resolve) => strace.once('close', () => resolve()).once('error', () => resolve()));
  try {
    // It says on standard error that it has attached, or why it has not.
    const [said] = await Promise.race([once(strace.stderr, 'data'), ended.then(() => [''])]).catch(() => ['']);
    if (!String(said).includes('attached')) {
      log(
        `*** strace is NOT to be had here: no system calls are counted (${String(said).trim() || 'apt-get install strace'})`,
      );
      await work();
      return undefined;
    }
    await work();
    strace.kill('SIGINT');
    await ended;
    return countedIn(readFileSync(counts, 'utf8'));
  } finally {
    strace.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

function countedIn(table: string): Calls {
  const counts = new Map<Kind, number>();
  for (const [, name = '', calls] of table.matchAll(/^\s*(\w+)\s+(\d+)\s*$/gm)) {
    if (name === 'total') continue;
    // Whatever has no kind of its own was traced because it takes a path.
    const kind = kindOf(name) ?? 'by path';
    counts.set(kind, (counts.get(kind) ?? 0) + Number(calls));
  }
  return counts;
}

function kindOf(call: string): Kind | undefined {
  for (const [kind, calls] of Object.entries<readonly string[]>(KINDS))
    if (calls.includes(call) && isKind(kind)) return kind;
  return undefined;
}

function isKind(name: string): name is Kind {
  return Object.hasOwn(KINDS, name);
}
