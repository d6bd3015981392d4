import { spawnSync } from 'node:child_process';

/** A call that has come to its end. */
export interface Call {
  readonly name: string;
  /** What its first argument leads to. */
  readonly on: string;
  readonly line: string;
}

/** Calls in the order they ended: strace tells of a long one when it begins and again when it ends. */
export function callsIn(trace: string): readonly Call[] {
  const begun = new Map<string, Call>();
  return trace.split('\n').flatMap((line) => {
    const [, pid = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const [, name = '', on = ''] = /^(\w+)\(\d+<((?:[^>]|->)*)>/.exec(rest) ?? [];
    if (rest.endsWith('<unfinished ...>')) {
      begun.set(pid, { name, on, line });
      return [];
    }
    if (!rest.startsWith('<...')) return name === '' ? [] : [{ name, on, line }];
    const call = begun.get(pid);
    begun.delete(pid);
    return call === undefined ? [] : [{ ...call, line: `${call.line} ${rest}` }];
  });
}

export function isSync({ name }: Call): boolean {
  return name === 'fsync' || name === 'fdatasync';
}

/** Says so, loudly, where there is no strace. */
export function canTrace(): boolean {
  const { status } = spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' });
  if (status === 0) return true;
  process.stderr.write('NOT TRIED: what is on the disk before an answer leaves, because there is no strace here.\n');
  return false;
}
