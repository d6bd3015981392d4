import { readFileSync } from 'node:fs';
import { type Load, load } from './load.ts';

const TICK_MS = 10;
/** In /proc/PID/stat, counted after the name: what it took itself, and what the children it waited for took. */
const OWN = [11, 12];
const CHILDREN = [13, 14];

/** CPU time of a process and all its threads. Milliseconds; 0 where the system does not say. */
export function cpuOf(pid: number): number {
  return ticksOf(pid, OWN) * TICK_MS;
}

/** CPU time of the programs that a process has run to their end. Milliseconds; 0 where the system does not say. */
export function cpuOfChildren(pid: number): number {
  return ticksOf(pid, CHILDREN) * TICK_MS;
}

function ticksOf(pid: number, fields: readonly number[]): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return fields.reduce((sum, at) => sum + Number(stat[at]), 0);
  } catch {
    return 0;
  }
}

/** CPU that a server takes for one answer while it is under this load, in milliseconds: other programs do not change it. */
export async function cpuPerAnswer(pid: number, asked: Load): Promise<number> {
  const before = cpuOf(pid);
  const { answers } = await load(asked);
  return (cpuOf(pid) - before) / answers;
}
