import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

// Who a temporary directory belongs to. A process id alone lies: it is used again after a restart, and two
// containers on one volume both run as 1. Boot, process namespace and start time make it exact where we can look.

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replace(/[^0-9]/g, '');
  } catch {
    return '0';
  }
}

/** When a process started, in clock ticks since boot; undefined where it is gone, '0' where the system does not say. */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return undefined;
  }
  const stat = read(`/proc/${pid}/stat`);
  if (stat === '') return '0';
  // The command name in parentheses may hold spaces; the start time is the 20th field after it (proc(5), field 22).
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
}

const place = `${read('/proc/sys/kernel/random/boot_id').replaceAll('-', '').slice(0, 12) || 'boot'}-${namespace()}`;

/** A directory name that says whose it is; different at every call, because one process may open several volumes. */
export function newOwnerName(): string {
  return `${place}-${process.pid}-${startOf(process.pid) ?? '0'}-${randomBytes(4).toString('hex')}`;
}

/** Whether the process that made this name lives; `unknown` where it ran on another host, boot or container. */
export function ownerState(name: string): 'alive' | 'dead' | 'unknown' {
  const parts = /^([0-9a-z]+-[0-9]+)-([0-9]+)-([0-9]+)-[0-9a-f]+$/.exec(name);
  if (parts === null || parts[1] !== place) return 'unknown';
  const start = startOf(Number(parts[2]));
  return start !== undefined && start === parts[3] ? 'alive' : 'dead';
}
