import { readFileSync } from 'node:fs';

/** What files, databases, downloads and upstreams of a busy mirror keep open besides its connections. */
const OTHERS = 512;
/** A connection, and the file it is sent. */
const EACH = 2;
/** So many are taken whatever the system says: that it was too little is then seen by what fails. */
const LEAST = 16;

/** How many connections fit: `wanted`, unless the system lets this process open too few files; then `limit` is what it lets. */
export interface Fit {
  readonly connections: number;
  readonly limit?: number | undefined;
}

/** `limits`: what the system says of this process; nothing is known of systems without /proc. */
export function fitConnections(wanted: number, limits: string | undefined = readLimits()): Fit {
  const soft = /^Max open files +(\d+) /m.exec(limits ?? '')?.[1];
  if (soft === undefined) return { connections: wanted };
  const limit = Number(soft);
  const connections = Math.max(LEAST, Math.floor((limit - OTHERS) / EACH));
  return connections >= wanted ? { connections: wanted } : { connections, limit };
}

/** Files that a process may open for so many connections. */
export function descriptorsFor(connections: number): number {
  return OTHERS + EACH * connections;
}

function readLimits(): string | undefined {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
}
