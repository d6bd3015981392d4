import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from './table.ts';

/** What goes to the file system: by a path, or by a place in an open file. `read` and `write` are those of sockets too. */
const FILE_CALLS =
  'trace=%file,pread64,preadv,pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate,getdents64,flock,fcntl,fstat,fchmod,statx';
const SYNCS = new Set(['fsync', 'fdatasync']);

export interface Calls {
  readonly all: number;
  readonly syncs: number;
}

/** File system calls of a process and all its threads while `work` runs; undefined, said aloud, where strace is not to be had. */
export async function callsDuring(pid: number, work: () => Promise<unknown>, log: Log): Promise<Calls | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'verbatim-strace-'));
  const counts = join(directory, 'counts');
  const strace = spawn('strace', ['-f', '-c', '-U', 'name,calls', '-e', FILE_CALLS, '-o', counts, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
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
    return totalOf(readFileSync(counts, 'utf8'));
  } finally {
    strace.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

function totalOf(table: string): Calls {
  const lines = [...table.matchAll(/^\s*(\w+)\s+(\d+)\s*$/gm)].filter(([, name]) => name !== 'total');
  const sum = (wanted: (name: string) => boolean) =>
    lines.reduce((total, [, name = '', calls]) => total + (wanted(name) ? Number(calls) : 0), 0);
  return { all: sum(() => true), syncs: sum((name) => SYNCS.has(name)) };
}
