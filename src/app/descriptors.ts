import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import type { Log } from '../telemetry/log.ts';

/** What files, databases, downloads and upstreams of a busy mirror keep open besides its connections. */
const OTHERS = 512;
/** A connection, and the file it is sent. */
const EACH = 2;
/** So many are taken whatever the system says: that it was too little is then seen by what fails. */
const LEAST = 16;

/** As configured, or fewer, and then told, where the system would not let this process open so many files. */
export function connectionsFor({ maxConnections: wanted }: Config['server'], log: Log): number {
  const { connections, limit } = fitConnections(wanted);
  if (limit !== undefined)
    log.warn(
      `the system lets this process open ${limit} files, enough for ${connections} connections at once; for server.max_connections (${wanted}) it takes ${descriptorsFor(wanted)} (LimitNOFILE, ulimit -n)`,
      { event: 'started' },
    );
  return connections;
}

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
