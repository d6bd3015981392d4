import { availableParallelism } from 'node:os';
import type { Config } from '../../config/config.ts';

/** How many processes answer. */
export function workersOf({ server }: Pick<Config, 'server'>): number {
  return server.workers === 'auto' ? availableParallelism() : (server.workers ?? 1);
}

/**
 * What of the server's limits is each worker's: together they have no more than was configured, but each has one of everything.
 * Disk is not divided: they share it.
 */
export function dividedConfig(config: Config, workers: number): Config {
  const part = (whole: number) => Math.max(1, Math.floor(whole / workers));
  const { server, cache, limits } = config;
  return {
    ...config,
    server: { ...server, maxConnections: part(server.maxConnections) },
    cache: { ...cache, memoryBytes: part(cache.memoryBytes) },
    limits: { fills: part(limits.fills), upstreamConnections: part(limits.upstreamConnections) },
  };
}
