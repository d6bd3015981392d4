import { readFileSync } from 'node:fs';
import { type Load, load } from './load.ts';
import { childrenOf, run } from './processes.ts';

const TICK_MS = 10;
/** In /proc/PID/stat, counted after the name: what it took itself, and what the children took that it waited for. */
const OWN = [11, 12];
const CHILDREN = [13, 14];

/** CPU time of a process and all its threads. Milliseconds; 0 where the system does not say. */
export function cpuOf(pid: number): number {
  try {
    return cpuIn(readFileSync(`/proc/${pid}/stat`, 'utf8'), OWN);
  } catch {
    return 0;
  }
}

/** The same of a process and its children, which are those that it had before. */
export function cpuOfAll(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + cpuOf(each), 0);
}

function cpuIn(stat: string, fields: readonly number[]): number {
  const counted = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  return fields.reduce((sum, at) => sum + Number(counted[at]), 0) * TICK_MS;
}

/** CPU that a server takes for one answer while it is under this load, in milliseconds: other programs do not change it. */
export async function cpuPerAnswer(pid: number, asked: Load): Promise<number> {
  const before = cpuOf(pid);
  const { answers } = await load(asked);
  return (cpuOf(pid) - before) / answers;
}

/** CPU that one of these commands takes from its start to its end, run one after the other; milliseconds. */
export async function cpuPerRun(commands: readonly (readonly string[])[]): Promise<number> {
  const lines = commands.map((command) => `${command.map(quoted).join(' ')} >/dev/null`);
  const { stdout } = await run('sh', ['-c', [...lines, 'cat /proc/$$/stat'].join(' && ')]);
  return cpuIn(stdout, CHILDREN) / commands.length;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
